// SPDX-License-Identifier: Apache-2.0
import Cryptography
import Linux

/// Why a static delta cannot be used. The objects that it stands for can be had one by one.
public enum DeltaFault: Error, Hashable, Sendable {
  /// The superblock is none, or the commit in it is not the one that it is for.
  case superblock(FormatError)
  /// The superblock is for other commits than its name says.
  case otherName(DeltaName)
  /// The server does not have this file of the delta.
  case missing(file: String)
  /// The file of a part has not the bytes that the superblock promises.
  case part(file: String, found: Checksum)
  /// More is needed than any delta may take: dictionary, scratch space, or the file itself.
  case tooLarge(DeltaQuantity, neededBytes: UInt64?, limitBytes: UInt64)
  /// A part is packed in a way that is not known: neither 0 nor `x`.
  case compression(UInt8)
  /// The packed bytes of a part are damaged.
  case packed
  /// Packed with a filter that is not read.
  case filter
  /// What was unpacked is not `(a(uuu)aa(ayay)ayay)`.
  case layout
  /// No operation has this code.
  case operation(UInt8)
  /// An operation that refers to what is not there, or stands where it cannot.
  case arguments(operation: UInt8)
  /// What came out is not the object that it should be.
  case object(ObjectName, found: Checksum)
  /// What came out has the checksum, and is no such object.
  case content(ObjectName, FormatError)
  /// A file that the delta starts from is not in the repo, or not whole.
  case source(ObjectName)
  /// Only files, dirtrees and dirmetas travel in parts; commits are judged before they are stored.
  case strange(ObjectName)
  /// A part that has more or fewer objects than it lists.
  case count
  /// The file system has no room for scratch files.
  case room
  /// A repo in archive mode cannot take files apart.
  case archive
  /// The commit that it starts from is not in the repo, or not whole.
  case start(Checksum)
  /// A signature is demanded: there is none, or none by a key that was given.
  case unsigned
  case signature
  /// This object of the commit is neither in the delta nor in the repo.
  case incomplete(ObjectName)
  /// Objects that are not in the delta, where there is no server to ask.
  case fallbacks(UInt64)
}

/// What of a delta is too large.
public enum DeltaQuantity: Hashable, Sendable {
  case superblock
  /// A part as it is stored, or as it is unpacked.
  case part, unpackedPart
  case dictionary
}

/// Why a static delta was not applied.
public enum DeltaError: Error, Hashable, Sendable {
  case unusable(DeltaFault)
  /// Something is wrong with this machine, not with the delta.
  case ostree(OSTreeError)
  /// The caller wanted no more.
  case stopped
}

/// Bounds on what a delta can make us do.
public enum DeltaLimits {
  /// Looked at piece by piece. libostree's limit for metadata.
  public static let superblockBytesMax: UInt64 = 128 << 20
  /// Of a part as it is stored, and of what it is unpacked to, in a scratch file. libostree's
  /// generator aims at 32 MB.
  public static let partBytesMax: UInt64 = 256 << 20
  /// Parts, and entries of the superblock's dictionary, in which each is looked for.
  static let partsMax = 1 << 14
  /// What an xz stream may refer back to; its own limit is 4 GiB. It costs scratch space, no
  /// memory.
  public static let dictionaryBytesMax: UInt64 = 256 << 20
  static let detachedBytesMax = 1 << 20
}
