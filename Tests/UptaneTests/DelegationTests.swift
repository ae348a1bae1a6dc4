// SPDX-License-Identifier: Apache-2.0
import SelfTest
import Testing
import Updater
import Uptane

/// Who is asked for a target, in which order, and who is believed.
@Suite struct DelegationTests {
  typealias Edge = (from: String, name: String, paths: [String], isTerminating: Bool)

  static func edge(
    _ from: String, _ name: String, _ paths: [String] = ["*"], terminating: Bool = false
  ) -> Edge { (from, name, paths, terminating) }

  static let graphs: [(name: String, [Edge], visited: [String])] = [
    ("one", [edge("targets", "A")], ["A"]),
    ("two", [edge("targets", "A"), edge("targets", "B")], ["A", "B"]),
    (
      "depth first", [edge("targets", "A"), edge("targets", "B"), edge("A", "C"), edge("A", "D")],
      ["A", "C", "D", "B"]
    ),
    (
      "three levels", [edge("targets", "A"), edge("targets", "B"), edge("A", "C"), edge("C", "D")],
      ["A", "C", "D", "B"]
    ),
    (
      "terminating",
      [
        edge("targets", "A"), edge("targets", "B"), edge("A", "C", terminating: true),
        edge("A", "D"),
      ],
      ["A", "C"]
    ),
    (
      "below a terminating role",
      [
        edge("targets", "A"), edge("targets", "B"), edge("A", "C", terminating: true),
        edge("C", "D"),
      ],
      ["A", "C", "D"]
    ),
    ("other paths", [edge("targets", "A", ["*.py"]), edge("targets", "B"), edge("A", "C")], ["B"]),
    (
      "a cycle",
      [edge("targets", "A"), edge("targets", "B"), edge("B", "C"), edge("C", "D"), edge("D", "B")],
      ["A", "B", "C", "D"]
    ),
    (
      "a shared child",
      [edge("targets", "A"), edge("targets", "B"), edge("B", "C"), edge("A", "C")],
      ["A", "C", "B"]
    ),
    (
      "a shared child for other paths",
      [edge("targets", "A"), edge("targets", "B"), edge("B", "C"), edge("A", "C", ["*.py"])],
      ["A", "B", "C"]
    ),
    // It was visited, so it does not end the search a second time.
    (
      "a terminating role that was visited",
      [
        edge("targets", "A"), edge("targets", "B", terminating: true), edge("targets", "C"),
        edge("A", "B"),
      ],
      ["A", "B", "C"]
    ),
    ("a slash", [edge("targets", "A", ["missing/*"]), edge("targets", "B", ["miss*"])], ["B"]),
  ]

  @Test(arguments: graphs)
  func `roles are visited in order`(name: String, edges: [Edge], visited: [String]) {
    let repository = SimulatedRepository()
    for edge in edges {
      repository.delegate(
        edge.from, .init(name: edge.name, paths: edge.paths, isTerminating: edge.isTerminating))
    }
    repository.publish()
    let client = SimulatedClient(repository)
    #expect(client.find("missing") == "target_not_found targets")
    let asked = ["2.root.json", "timestamp.json", "snapshot.json", "targets.json"]
    #expect(repository.takeRequests() == asked + visited.map { "\($0).json" })
    // What is stored is used again.
    #expect(client.find("missing") == "target_not_found targets")
    #expect(repository.takeRequests() == ["2.root.json", "timestamp.json"])
  }

  @Test func `a target is found where it is delegated all the way`() {
    let repository = SimulatedRepository()
    repository.delegate("targets", .init(name: "A", paths: ["*.md"]))
    repository.delegate("targets", .init(name: "B", paths: ["r/*/*"]))
    repository.delegate("B", .init(name: "C", paths: ["r/x/*"]))
    repository.delegate("B", .init(name: "D", paths: ["r/y/*.zip"]))
    for path in ["r/x/1", "r/y/1.zip", "r/z/1.zip"] {
      for role in ["C", "D"] { repository.addTarget(path, "content", to: role) }
    }
    repository.publish()
    #expect(SimulatedClient(repository).find("r/x/1") == nil)
    #expect(SimulatedClient(repository).find("r/y/1.zip") == nil)
    #expect(SimulatedClient(repository).find("r/z/1.zip") == "target_not_found targets")
  }

  @Test func `a stored role is judged by whoever delegates to it now`() {
    let repository = SimulatedRepository()
    repository.delegate("targets", .init(name: "A"))
    repository.publish()
    let client = SimulatedClient(repository)
    #expect(client.find("missing") == "target_not_found targets")
    // Another key for the role; the server goes on with the old file.
    let old = repository.files["A.json"]
    repository.listsHashes = false
    repository.signers["A"] = .init()
    repository.publishNext()
    let new = repository.files["A.json"]
    repository.files["A.json"] = old
    #expect(client.find("missing") == "signature A")
    repository.files["A.json"] = new
    #expect(client.find("missing") == "target_not_found targets")
    #expect(client.storage.load(.delegated("A")) == new)
  }

  @Test func `a role that the delegator's keys have signed, not the delegate's, is refused`() {
    let repository = SimulatedRepository()
    repository.listsHashes = false
    repository.delegate("targets", .init(name: "A"))
    repository.publish()
    let good = repository.files
    repository.signers["A"] = repository.signers["targets"]
    repository.publish()
    let forged = repository.files["A.json"]
    repository.files = good
    repository.files["A.json"] = forged
    #expect(SimulatedClient(repository).find("missing") == "signature A")
  }

  @Test func `a role that the snapshot does not list hurts only who needs it`() {
    let repository = SimulatedRepository()
    repository.delegate("targets", .init(name: "A", paths: ["a/*"]))
    repository.addTarget("b", "content")
    repository.unlisted = ["A"]
    repository.publish()
    #expect(SimulatedClient(repository).find("b") == nil)
    #expect(SimulatedClient(repository).find("a/1") == "role_missing A")
  }

  @Test func `a search has an end`() {
    let chain = SimulatedRepository()
    for depth in 0..<9 {
      chain.delegate(depth == 0 ? "targets" : "R\(depth)", .init(name: "R\(depth + 1)"))
    }
    chain.publish()
    #expect(SimulatedClient(chain).find("missing") == "delegation_depth R9")
    let wide = SimulatedRepository()
    for number in 10..<43 { wide.delegate("targets", .init(name: "R\(number)")) }
    wide.publish()
    #expect(SimulatedClient(wide).find("missing") == "delegation_depth R42")
  }

  static let names = ["?", "#", "/role", "../role", "a b", "ä", "%2F", ".", "con"]

  @Test(arguments: names) func `an odd name stays a name`(name: String) {
    let repository = SimulatedRepository()
    repository.delegate("targets", .init(name: name))
    repository.addTarget("found", "content", to: name)
    repository.publish()
    #expect(SimulatedClient(repository).find("found") == nil)
    let last = repository.takeRequests().last ?? ""
    #expect(last.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F } && !last.contains("/"))
  }
}
