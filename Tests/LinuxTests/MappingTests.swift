// SPDX-License-Identifier: Apache-2.0
import Linux
import Support
import Testing

@Suite struct MappingTests {
  @Test func `a window of a file is seen as it is`() throws {
    let folder = try TemporaryDirectory("mapping")
    let directory = try FileDescriptor.openDirectory(folder.path)
    let page = Mapping.pageBytes
    try directory.replaceFile("file", with: [UInt8](repeating: 7, count: page) + [1, 2, 3])
    let file = try directory.open("file")
    let window = try Mapping(file, offset: Int64(page), count: 3)
    #expect(window.withBytes { [$0[0], $0[1], $0[2]] } == [1, 2, 3])
    let nothing = try Mapping(file, count: 0)
    #expect(nothing.withBytes { $0.count } == 0)
  }

  @Test func `a file cut short under a mapping is an error of this thread, not the end`() throws {
    let folder = try TemporaryDirectory("mapping")
    let directory = try FileDescriptor.openDirectory(folder.path)
    let page = Mapping.pageBytes
    try directory.replaceFile("file", with: [UInt8](repeating: 7, count: 4 * page))
    BusError.install()
    _ = BusError.take()
    let file = try directory.open("file", .readWrite)
    let window = try Mapping(file, count: 4 * page)
    try file.truncate(to: 0)
    let seen = window.withBytes { $0[2 * page] }
    #expect(seen == 0)
    #expect(BusError.take())
    #expect(!BusError.take())
  }
}
