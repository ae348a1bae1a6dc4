// SPDX-License-Identifier: Apache-2.0
import Foundation
import Support
import Testing

/// The ready handler of container compositions, with programs in PATH that only say what they were
/// asked and keep in files what would run.
@Suite struct ComposeHandlerTests {
  private static let handler = PackagePaths.root + "/handlers/docker-compose"
  private let folder: TemporaryDirectory

  init() throws {
    folder = try TemporaryDirectory("compose")
    for name in ["work", "bin", "fake/running", "targets"] { try folder.makeDirectory(name) }
    try folder.write("SETTLE_SECONDS=0\nWAIT_SECONDS=1\n", to: "settings")
    try program("docker", Self.docker)
  }

  private func program(_ name: String, _ text: String) throws {
    let written = try folder.write(text, to: "written")
    _ = try mustRun("install", "-m", "755", written, folder.file("bin/\(name)"))
  }

  /// What runs is the compose file that `up` was given. `fail-VERB` lets a verb fail, `cut-VERB` is
  /// a power cut behind it.
  private static let docker = """
    #!/bin/sh
    fake="$FAKE"
    case "${0##*/} $1" in
      'docker compose' | 'podman compose') shift ;;
      'docker-compose '* | 'podman-compose '*) ;;
      *)
        echo "${0##*/} $*" | sed 's/ --format.*//' >>"$fake/log"
        case $1 in
          ps) [ ! -e "$fake/running/${4##*=}" ] || echo "container-of-${4##*=}" ;;
          inspect) cat "$fake/state" 2>/dev/null || echo 'running 0 ' ;;
        esac
        exit 0 ;;
    esac
    if [ "$1" = version ]; then [ ! -e "$fake/no-${0##*/}" ]; exit; fi
    project=$2; file=$4; shift 4
    echo "$1 $project $(cat "$file")" >>"$fake/log"
    [ ! -e "$fake/fail-$1" ] || exit "$(cat "$fake/fail-$1")"
    case $1 in
      up) cp "$file" "$fake/running/$project" ;;
      down) rm -f "$fake/running/$project" ;;
    esac
    if [ -e "$fake/cut-$1" ]; then kill -9 $PPID; fi
    """

  @discardableResult
  private func call(
    _ verb: String, _ target: String, previous: String = "", deployment: String = ""
  ) throws -> Int32 {
    let file = target.isEmpty ? "" : folder.file("targets/\(target)")
    let result = try run(
      Self.handler, arguments: verb == "apply" ? [verb, file] : [verb],
      in: folder.file("work"),
      environment: [
        "PATH": "\(folder.file("bin")):/usr/bin:/bin", "FAKE": folder.file("fake"),
        "COPPICE_COMPOSE_SETTINGS": folder.file("settings"), "COPPICE_FILE": file,
        "COPPICE_PREVIOUS_FILE": previous.isEmpty ? "" : folder.file("targets/\(previous)"),
        "COPPICE_DEPLOYMENT": deployment,
      ], seconds: 60)
    return result.status
  }

  /// Two compose files; the first runs.
  private func startFirst() throws {
    try folder.write("one", to: "targets/one")
    try folder.write("two", to: "targets/two")
    #expect(try call("apply", "one") == 0)
    #expect(try call("verify", "one") == 0)
    _ = try log()
  }

  private func log() throws -> [String] {
    let text = (try? folder.readText("fake/log")) ?? ""
    try folder.write("", to: "fake/log")
    return text.split(separator: "\n").map(String.init)
  }

  private func set(_ mark: String, _ isSet: Bool = true, code: Int = 1) throws {
    if isSet {
      try folder.write("\(code)", to: "fake/\(mark)")
    } else {
      try FileManager.default.removeItem(atPath: folder.file("fake/\(mark)"))
    }
  }

  private func running(_ project: String = "apps") -> String? {
    try? folder.readText("fake/running/\(project)")
  }

  @Test func `the new images are pulled while the old containers run`() throws {
    try startFirst()
    #expect(running() == "one")
    #expect(try call("apply", "two", previous: "one") == 0)
    #expect(try log() == ["config apps two", "pull apps two", "down apps one", "up apps two"])
    #expect(try call("verify", "two", previous: "one") == 0)
    #expect(
      try log() == [
        "docker ps -aq --filter label=com.docker.compose.project=apps", "docker inspect",
      ])
    #expect(running() == "two")
    // Both calls again, as after a cut: nothing that runs is touched.
    #expect(try call("apply", "two", previous: "one") == 0)
    #expect(try call("verify", "two", previous: "one") == 0)
    #expect(try !log().contains { $0.hasPrefix("down") || $0.hasPrefix("up") })
  }

  @Test func `where the pull fails the old containers go on`() throws {
    try startFirst()
    try set("fail-pull")
    #expect(try call("apply", "two", previous: "one") == 75)
    #expect(try log() == ["config apps two", "pull apps two"])
    #expect(try call("revert", "two", previous: "one") == 0)
    #expect(try log() == [])
    #expect(running() == "one")
  }

  @Test func `what is no composition is refused before anything is pulled`() throws {
    try startFirst()
    try set("fail-config")
    #expect(try call("apply", "two", previous: "one") == 1)
    #expect(try log() == ["config apps two"])
    // An older podman-compose knows no such command.
    try set("fail-config", code: 2)
    #expect(try call("apply", "two", previous: "one") == 0)
    #expect(running() == "two")
  }

  @Test func `where the new containers do not start, the old ones are started again`() throws {
    try startFirst()
    try set("fail-up")
    #expect(try call("apply", "two", previous: "one") == 1)
    #expect(running() == nil)
    // As long as nothing starts, the revert has failed and is to be repeated.
    #expect(try call("revert", "two", previous: "one") == 1)
    try set("fail-up", false)
    _ = try log()
    #expect(try call("revert", "two", previous: "one") == 0)
    #expect(try log() == ["down apps two", "up apps one"])
    #expect(running() == "one")
  }

  @Test(arguments: ["config", "pull", "down", "up"])
  func `a cut behind any step ends in the new release, or back in the old one`(
    step: String
  ) throws {
    for goesOn in [true, false] {
      try startFirst()
      try set("cut-\(step)")
      #expect(try call("apply", "two", previous: "one") == 128 + SIGKILL)
      try set("cut-\(step)", false)
      if goesOn {
        #expect(try call("apply", "two", previous: "one") == 0)
        #expect(try call("verify", "two", previous: "one") == 0)
        #expect(running() == "two")
        // And back to the beginning.
        #expect(try call("revert", "two", previous: "one") == 0)
      } else {
        #expect(try call("revert", "two", previous: "one") == 0)
      }
      #expect(running() == "one")
      #expect(try folder.readText("work/started") == "one\n")
    }
  }

  @Test func `a cut of a revert is repaired by the next one`() throws {
    for step in ["down", "up"] {
      try startFirst()
      #expect(try call("apply", "two", previous: "one") == 0)
      try set("cut-\(step)")
      #expect(try call("revert", "two", previous: "one") == 128 + SIGKILL)
      try set("cut-\(step)", false)
      #expect(try call("revert", "two", previous: "one") == 0)
      #expect(running() == "one")
    }
  }

  @Test func `what goes with a new system starts with it`() throws {
    try startFirst()
    #expect(try call("apply", "two", previous: "one", deployment: "4e67ea") == 100)
    #expect(try log() == ["config apps two", "pull apps two"])
    #expect(running() == "one")
    #expect(try call("verify", "two", previous: "one", deployment: "4e67ea") == 0)
    #expect(try log().prefix(2) == ["down apps one", "up apps two"])
    // The system falls back after all.
    #expect(try call("revert", "two", previous: "one", deployment: "4e67ea") == 0)
    #expect(running() == "one")
  }

  @Test func `a first release that is taken back leaves nothing running`() throws {
    try folder.write("one", to: "targets/one")
    #expect(try call("apply", "one") == 0)
    #expect(try call("revert", "one") == 0)
    #expect(running() == nil)
    #expect(try call("revert", "one") == 0)
  }

  @Test(arguments: [
    ("running 0 healthy", 0), ("exited 0 ", 0), ("running 0 unhealthy", 1), ("exited 1 ", 1),
    ("restarting 1 ", 1), ("running 0 starting", 1), ("dead 0 ", 1),
  ])
  func `the state of containers decides whether all is well`(state: String, code: Int) throws {
    try startFirst()
    try folder.write("\(state)\n", to: "fake/state")
    #expect(try call("verify", "one") == Int32(code))
  }

  @Test func `containers that are gone are not well`() throws {
    try startFirst()
    try mustRun("rm", folder.file("fake/running/apps"))
    #expect(try call("verify", "one") == 1)
  }

  @Test func `releases that nobody goes back to are removed`() throws {
    try startFirst()
    try folder.write("three", to: "targets/three")
    #expect(try call("apply", "two", previous: "one") == 0)
    #expect(try call("verify", "two", previous: "one") == 0)
    #expect(try call("apply", "three", previous: "two") == 0)
    #expect(try call("verify", "three", previous: "two") == 0)
    let left = try FileManager.default.contentsOfDirectory(atPath: folder.file("work/releases"))
    #expect(left.sorted() == ["three", "two"])
  }

  @Test func `a release that went missing is made again to go back to`() throws {
    try startFirst()
    #expect(try call("apply", "two", previous: "one") == 0)
    try mustRun("rm", "-r", folder.file("work/releases/one"))
    #expect(try call("revert", "two", previous: "one") == 0)
    #expect(running() == "one")
  }

  @Test(arguments: ["docker-compose", "podman", "podman-compose"])
  func `whichever program is there is taken`(name: String) throws {
    try program(name, Self.docker)
    if name == "podman-compose" { try program("podman", Self.docker) }
    try set("no-docker")
    if name == "podman-compose" { try set("no-podman") }
    try startFirst()
    #expect(try call("verify", "one") == 0)
    let engine = name.hasPrefix("podman") ? "podman" : "docker"
    #expect(try log().contains("\(engine) inspect"))
  }

  @Test func `without a program for compositions nothing is changed`() throws {
    try set("no-docker")
    try folder.write("one", to: "targets/one")
    #expect(try call("apply", "one") == 1)
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.file("work")) == [])
    #expect(try call("sing", "one") == 1)
  }

  @Test func `images are removed only where that is asked for, and before new ones come`() throws {
    try folder.write("PRUNE=yes\nPROJECT=torizon\nSETTLE_SECONDS=0\n", to: "settings")
    try folder.write("one", to: "targets/one")
    #expect(try call("apply", "one") == 0)
    #expect(
      try log() == [
        "config torizon one", "docker image prune -af", "pull torizon one", "up torizon one",
      ])
  }

  // MARK: Lists of apps

  /// A registry in a folder: `skopeo copy docker://URI dir:DIR` copies from there.
  private func publish(_ app: String, _ version: String, manifest: String? = nil) throws -> String {
    let place = try folder.makeDirectory("registry/\(app)-\(version)")
    try folder.write("\(app) \(version)", to: "app/docker-compose.yml")
    try mustRun("tar", "-czf", "\(place)/archive", "-C", folder.file("app"), ".")
    let digest = try mustRun("sha256sum", "\(place)/archive").prefix(64)
    try mustRun("mv", "\(place)/archive", "\(place)/\(digest)")
    let text =
      manifest ?? """
        {"schemaVersion": 2, "config": {"digest": "sha256:00"},
         "layers": [{"annotations": {"a": "b"}, "digest": "sha256:\(digest)", "size": 1},
          {"digest": "sha256:11"}],
         "annotations": {"compose-app": "v1"}}
        """
    try folder.write(text, to: "registry/\(app)-\(version)/manifest.json")
    try program(
      "skopeo",
      """
      #!/bin/sh
      [ "$1 $2" = 'copy -q' ] || exit 9
      from=${3##*/}; cp -r "\(folder.path)/registry/${from%@*}" "${4#dir:}"
      """)
    return
      "\(app) hub.example.com/acme/\(app)-\(version)@sha256:\(String(repeating: "0", count: 64))"
  }

  private func list(_ name: String, _ apps: [String]) throws {
    try folder.write("coppice-apps 1\n" + apps.map { $0 + "\n" }.joined(), to: "targets/\(name)")
  }

  @Test func `of a list of apps only those are stopped that change`() throws {
    let (one, two) = (try publish("shell", "1"), try publish("web", "1"))
    try list("first", [one, two])
    #expect(try call("apply", "first") == 0)
    #expect(running("shell") == "shell 1")
    #expect(running("web") == "web 1")
    _ = try log()

    try list("second", [one, try publish("web", "2"), try publish("more", "1")])
    #expect(try call("apply", "second", previous: "first") == 0)
    #expect(try log().filter { $0.hasPrefix("down") } == ["down web web 1"])
    #expect(running("shell") == "shell 1")
    #expect(running("web") == "web 2")
    #expect(running("more") == "more 1")

    try list("none", [])
    #expect(try call("apply", "none", previous: "second") == 0)
    #expect(try call("verify", "none", previous: "second") == 0)
    #expect(running("shell") == nil && running("web") == nil)
    #expect(try call("revert", "none", previous: "second") == 0)
    #expect(running("web") == "web 2")
  }

  @Test func `an app that cannot be fetched, and one that is none`() throws {
    try list("first", [try publish("shell", "1")])
    try mustRun("rm", "-r", folder.file("registry/shell-1"))
    #expect(try call("apply", "first") == 75)
    try list("second", [try publish("shell", "2", manifest: "{}")])
    #expect(try call("apply", "second") == 1)
    let wrong = #"{"layers":[{"digest":"sha256:00"}],"annotations":{"compose-app":"v1"}}"#
    try list("third", [try publish("shell", "3", manifest: wrong)])
    #expect(try call("apply", "third") == 1)
    // A whole archive, but another one than the manifest says.
    try list("fourth", [try publish("shell", "4")])
    try mustRun(
      "sh", "-c", "cp ../shell-3/[0-9a-f]* [0-9a-f]*", in: folder.file("registry/shell-4"))
    #expect(try call("apply", "fourth") == 1)
    try mustRun("rm", folder.file("bin/skopeo"))
    #expect(try call("apply", "first") == 1)
    #expect(try log() == [])
  }

  @Test func `the settings may choose among the apps`() throws {
    try folder.write("APPS='web other'\n", to: "settings")
    try list("first", [try publish("shell", "1"), try publish("web", "1")])
    #expect(try call("apply", "first") == 0)
    #expect(running("shell") == nil)
    #expect(running("web") == "web 1")
  }
}
