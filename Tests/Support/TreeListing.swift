// SPDX-License-Identifier: Apache-2.0

/// What is in a folder, told so that two trees are equal if and only if their listings are.
public enum TreeListing {
  /// A line for each entry: name, type and mode, owner, time of last change, links (of what is not
  /// a folder), size, SHA-256 of the content or target of the link, extended attributes. Times of
  /// symbolic links are left out: OSTree does not set them.
  public static func lines(
    of path: String, times: Bool = true, links: Bool = false, owners: Bool = true
  ) throws -> [String] {
    let words = [times ? "times" : "", links ? "links" : "", owners ? "owners" : ""]
    let result = try run("python3", arguments: ["-c", script, path] + words.filter { !$0.isEmpty })
    guard result.status == 0 else { throw ProgramError(description: result.description) }
    return result.lines
  }

  private static let script = """
    import hashlib, os, stat, sys
    top, wanted = os.fsencode(sys.argv[1]), sys.argv[2:]

    def entry(path):
        status = os.lstat(path)
        words = [ascii(os.fsdecode(os.path.relpath(path, top))), '%o' % status.st_mode]
        if 'owners' in wanted:
            words.append('%d:%d' % (status.st_uid, status.st_gid))
        if 'times' in wanted and not stat.S_ISLNK(status.st_mode):
            words.append('@%d' % status.st_mtime_ns)
        if 'links' in wanted and not stat.S_ISDIR(status.st_mode):
            words.append('links=%d' % status.st_nlink)
        if stat.S_ISLNK(status.st_mode):
            words.append(ascii(os.readlink(path)))
        if stat.S_ISREG(status.st_mode):
            with open(path, 'rb') as file:
                words += [str(status.st_size), hashlib.file_digest(file, 'sha256').hexdigest()]
        for name in sorted(os.listxattr(path, follow_symlinks=False)):
            value = os.getxattr(path, name, follow_symlinks=False)
            words.append(name + '=' + value.hex())
        print(*words)

    entry(top)
    for folder, folders, files in os.walk(top):
        folders.sort()
        for name in sorted(folders + files):
            entry(os.path.join(folder, name))
    """
}
