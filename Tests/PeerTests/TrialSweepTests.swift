// SPDX-License-Identifier: Apache-2.0
import Foundation
import Support
import Testing

/// Each system call of a trial that changes something fails once, or is what a run does not come to
/// any more: what boots is what booted or what was to boot, starts are counted to an end, and the
/// same command run again ends well.
@Suite(.enabled(if: SystemCalls.canBeFaulted)) struct TrialSweepTests {
  private static let errors = ["EIO", "ENOSPC", "EROFS", "EINTR"]
  /// With which of them the first call fails in this run, with the first boot loader.
  private static let firstError: Int = {
    var random = SeededRandom.ofThisRun()
    return Int(random.below(Double(errors.count)))
  }()

  /// Runs `command` with faults on the board as it is now; after each one `judge` may have nothing
  /// to complain of. Where somebody has the time every call is the last one once, and fails once,
  /// each in another way than its neighbours and than the same one with another boot loader; else
  /// a few are one or the other.
  private func sweep(
    _ board: TrialBoard, _ command: [String], callsMin: Int, judge: (Int) -> String
  ) throws {
    var random = SeededRandom.ofThisRun()
    let coppice = TrialBoard.command + command
    try board.keep()
    let calls = try SystemCalls.all(of: coppice, in: board.room, log: board.log)
    #expect(calls.count >= callsMin, "\(calls.count)")
    let first = Self.firstError + board.bootLoader.position
    let sample = SystemCalls.sample(calls, oneIn: max(1, calls.count / 3), &random)
    for (index, call) in sample.enumerated() {
      let error = SystemCalls.Fault.error(Self.errors[(first + index) % Self.errors.count])
      let isLast = random.below(Double(Self.errors.count + 1)) < 1
      for fault in Slow.isWanted ? [.kill, error] : [isLast ? .kill : error] {
        try board.restore()
        let result = try SystemCalls.run(
          coppice, in: board.room, fault, at: call, log: board.log)
        let said = try board.shell(judge(result.status == 0 ? 0 : 1) + "; true")
        #expect(said == "", "\(command) with \(fault) at \(call): \(result)")
      }
    }
  }

  @Test(arguments: TrialBoard.BootLoader.allCases)
  func `an update is tried or not, whatever fails`(loader: TrialBoard.BootLoader) throws {
    let board = try TrialBoard(loader)
    var isPatient = true
    try sweep(board, ["update"], callsMin: 100) { _ in
      isPatient.toggle()
      // Of what was not tried the update is run again. What is tried proves itself, or never does.
      let begin = """
        now=$(go); ROOT=$(cat root)
        case $now in 1) quietly board update; now=$(go);; 2) ;; *) echo "$now started";; esac
        [ "$now" = 2 ] || echo "then $now started"; ROOT=$(cat root)
        """
      return isPatient
        ? "\(begin); quietly board mark-good; all 2; quietly board update; all 2"
        : """
        \(begin); go > said; go > said; now=$(go); [ "$now" = 1 ] || echo "$now after the trial"
        ROOT=$(cat root); board update 2> said | grep -q 'rejected before' || cat said; all 1
        """
    }
  }

  @Test(arguments: TrialBoard.BootLoader.allCases)
  func `a proof that fails half way takes nothing away`(loader: TrialBoard.BootLoader) throws {
    let board = try TrialBoard(loader)
    try board.must("quietly board update; [ $(go) = 2 ] || echo not started")
    try sweep(board, ["mark-good"], callsMin: 8) { status in
      // What was said to be proven is so.
      (status == 0 ? "all 2; " : "now=$(go); [ $now = 2 ] || echo \"$now started\"; ")
        + "ROOT=$(cat root); quietly board mark-good; all 2; ROOT=$(cat root); "
        + "board status --json | grep -q '\"state\":\"proven\"' || echo not proven"
    }
  }

  @Test(arguments: TrialBoard.BootLoader.allCases)
  func `a fallback that fails half way never starts the failed one`(
    loader: TrialBoard.BootLoader
  ) throws {
    let board = try TrialBoard(loader)
    try board.must(
      "quietly board update; go > said; go > said; go > said; [ $(go) = 1 ] || echo no")
    try sweep(board, ["mark-good"], callsMin: 60) { _ in
      """
      now=$(go); [ "$now" = 1 ] || echo "$now started"; ROOT=$(cat root); quietly board mark-good
      all 1; ROOT=$(cat root)
      board update 2> said | grep -q 'rejected before' || cat said
      [ $(ls device/boot/loader/entries | wc -l) = 1 ] || echo 'the failed one is still there'
      """
    }
  }

  /// write(2) may write less than it was asked to: here half of it, each time.
  @Test(arguments: TrialBoard.BootLoader.allCases)
  func `what is written in pieces is written whole`(loader: TrialBoard.BootLoader) throws {
    let board = try TrialBoard(loader)
    try board.folder.write(
      """
      #define _GNU_SOURCE
      #include <dlfcn.h>
      #include <unistd.h>
      static size_t half(size_t count) { return count > 1 ? count / 2 : count; }
      ssize_t write(int file, const void *bytes, size_t count) {
        ssize_t (*real)(int, const void *, size_t) = dlsym(RTLD_NEXT, "write");
        return real(file, bytes, half(count));
      }
      ssize_t pwrite64(int file, const void *bytes, size_t count, off_t offset) {
        ssize_t (*real)(int, const void *, size_t, off_t) = dlsym(RTLD_NEXT, "pwrite64");
        return real(file, bytes, half(count), offset);
      }
      ssize_t pwrite(int file, const void *bytes, size_t count, off_t offset) {
        return pwrite64(file, bytes, count, offset);
      }
      """, to: "short.c")
    try mustRun("clang", "-shared", "-fPIC", "-o", "short.so", "short.c", in: board.folder.path)
    let short =
      "running env LD_PRELOAD=\"$DIR/short.so\" \(TrialBoard.command.joined(separator: " "))"
    try board.must("quietly \(short) update; all=$(go); [ $all = 2 ] || echo \"$all started\"")
    try board.must("quietly \(short) mark-good; all 2")
  }
}
