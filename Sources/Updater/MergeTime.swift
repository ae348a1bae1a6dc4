// SPDX-License-Identifier: Apache-2.0
public import Configuration
public import Deploy

extension LateMerge {
  /// `[boot] merge`.
  public init(_ time: MergeTime) {
    switch time {
    case .auto: self = .ifMarked
    case .now: self = .never
    case .boot: self = .always
    }
  }
}
