// SPDX-License-Identifier: Apache-2.0
@main struct Coppice {
  static func main() {}
}
