// SPDX-License-Identifier: Apache-2.0
import Codec
import Configuration
import Linux
import Testing

/// What the file `c.conf` says, or why it cannot be taken.
func read(_ text: String) -> Result<Settings, ConfigurationError> {
  Result { () throws(ConfigurationError) in
    var settings = Settings()
    try settings.read(Array(text.utf8), path: "c.conf")
    return settings
  }
}

@Suite struct SettingsReaderTests {
  static let full = """
    [device]
    stateroot=poky
    hardware-id=imx8
    ecu-serial=e-1
    handled-ecus=lamp; radio:e:2
    remote=acme
    ref=poky/stable
    device-id=gw-7
    [server]
    url=https://ota.example.com:8443/gw
    ca-file=/etc/ssl/ca.pem
    certificate=/var/sota/client.pem
    private-key=/var/sota/pkey.pem
    provisioning=shared
    credentials=/var/sota/credentials.zip
    proxy=http://proxy:3128
    [uptane]
    director-url=https://ota.example.com/director
    image-url=https://ota.example.com/repo
    director-root=/etc/director.json
    image-root=/etc/image.json
    trust-first-root=no
    tags=stable; floor-2
    mode=tuf
    key-type=rsa2048
    [pull]
    connections=8
    limit-rate=200K
    low-speed-timeout=60
    retries=0
    reserve-space=64M
    read-back=boot
    [boot]
    loader=uboot-env
    trial-boots=5
    merge=boot
    fw-env-config=/etc/env.config
    [update]
    reboot=now
    health-checks=/etc/a; /etc/b;
    handler-timeout=60
    """

  @Test func `every key is read into its field`() throws {
    let settings = try read(Self.full).get()
    #expect(settings.warnings == [])
    #expect(settings.stateroot == "poky")
    #expect(settings.deviceID == "gw-7")
    #expect(settings.keyType == .rsa2048)
    #expect(settings.hardwareID == "imx8")
    #expect(settings.ecuSerial == "e-1")
    #expect(settings.handledECUs.map { $0.hardwareID } == ["lamp", "radio"])
    #expect(settings.handledECUs.map { $0.serial } == [nil, "e:2"])
    #expect(settings.remote == "acme")
    #expect(settings.ref == "poky/stable")
    #expect(settings.serverURL == "https://ota.example.com:8443/gw")
    #expect(settings.caFile == "/etc/ssl/ca.pem")
    #expect(settings.certificate == "/var/sota/client.pem")
    #expect(settings.privateKey == "/var/sota/pkey.pem")
    #expect(settings.provisioning == .shared)
    #expect(settings.credentials == "/var/sota/credentials.zip")
    #expect(settings.proxy == .url("http://proxy:3128"))
    #expect(settings.directorURL == "https://ota.example.com/director")
    #expect(settings.imageURL == "https://ota.example.com/repo")
    #expect(settings.mode == .tuf)
    #expect(settings.connections == 8)
    #expect(settings.limitRateBytesPerSecond == 204_800)
    #expect(settings.lowSpeedTimeoutSeconds == 60)
    #expect(settings.retries == 0)
    #expect(settings.directorRoot == "/etc/director.json")
    #expect(settings.imageRoot == "/etc/image.json")
    #expect(settings.trustFirstRoot == .no)
    #expect(settings.tags == ["stable", "floor-2"])
    #expect(settings.reserveSpace == .bytes(64 << 20))
    #expect(settings.readBack == .boot)
    #expect(settings.loader == .ubootEnvironment)
    #expect(settings.trialBoots == 5)
    #expect(settings.merge == .boot)
    #expect(settings.fwEnvConfig == "/etc/env.config")
    #expect(settings.reboot == .now)
    #expect(settings.healthChecks == ["/etc/a", "/etc/b"])
    #expect(settings.handlerTimeoutSeconds == 60)
  }

  @Test func `the text of each value is read as that value again`() throws {
    let settings = try read(Self.full).get()
    for setting in Setting.allCases {
      let text = try #require(settings.text(of: setting), "\(setting.key)")
      let again = try read("[\(setting.section)]\n\(setting.key)=\(text)\n").get()
      #expect(again.text(of: setting) == text)
      #expect(again.warnings == [])
    }
  }

  @Test func `every key knows its line, and the file names no others`() throws {
    let settings = try read(Self.full).get()
    let lines = Self.full.split(separator: "\n", omittingEmptySubsequences: false)
    for setting in Setting.allCases {
      guard case .file(let path, let line) = settings.origin(of: setting) else {
        Issue.record("\(setting.key) has no origin")
        continue
      }
      #expect(path == "c.conf")
      #expect(lines[line - 1].hasPrefix(setting.key + "="))
      #expect(Setting(section: setting.section, key: setting.key) == setting)
    }
    #expect(settings.files == ["c.conf"])
  }

  @Test func `without a file there are defaults`() {
    let settings = Settings()
    #expect(settings.mode == .none)
    #expect(settings.proxy == .environment)
    #expect(settings.trialBoots == 3)
    #expect(settings.readBack == nil)
    #expect(settings.limitRateBytesPerSecond == nil)
    #expect(settings.text(of: .loader) == "auto")
    #expect(settings.text(of: .reserveSpace) == "3%")
    #expect(settings.text(of: .proxy) == nil)
    #expect(settings.text(of: .healthChecks) == "/etc/coppice/health.d")
    for setting in Setting.allCases { #expect(settings.origin(of: setting) == .builtIn) }
  }

  @Test(arguments: [
    ("[server]\nurl=https://a\n", TrustMode.uptane),
    ("[uptane]\ndirector-url=https://a\n", .uptane),
    ("[server]\nurl=https://a\n[uptane]\nmode=none\n", .none), ("[device]\nremote=a\n", .none),
  ])
  func `trust is Uptane's where there is a server and nothing else is said`(
    text: String, mode: TrustMode
  ) throws {
    #expect(try read(text).get().mode == mode)
  }

  @Test func `an empty value brings every default back`() throws {
    var settings = try read(Self.full).get()
    let empty = Setting.allCases.map { "[\($0.section)]\n\($0.key)=\n" }.joined()
    try settings.read(Array(empty.utf8), path: "d.conf")
    for setting in Setting.allCases {
      #expect(settings.text(of: setting) == Settings().text(of: setting))
      guard case .file("d.conf", _) = settings.origin(of: setting) else {
        Issue.record("\(setting.key) does not say who reset it")
        continue
      }
    }
  }

  @Test func `what is unknown is a warning with its line`() throws {
    let settings = try read(
      "[device]\nref=a\nreff=b\n\n[Device]\nref=c\n[pull]\nlimit-rate[de]=1\n"
    ).get()
    #expect(
      settings.warnings == [
        .unknownKey(path: "c.conf", line: 3, section: "device", key: "reff"),
        .unknownSection(path: "c.conf", line: 5, section: "Device"),
        .unknownKey(path: "c.conf", line: 8, section: "pull", key: "limit-rate[de]"),
      ])
    #expect(settings.ref == "a")
  }

  @Test func `a key that comes twice has its last value and line`() throws {
    let settings = try read("[pull]\nretries=1\nretries=2\n").get()
    #expect(settings.retries == 2)
    #expect(settings.origin(of: .retries) == .file(path: "c.conf", line: 3))
  }

  @Test(arguments: [
    ("retries", "-1", ExpectedValue.integer(0...100)), ("retries", "x", .integer(0...100)),
    ("connections", "0", .integer(1...16)), ("connections", "17", .integer(1...16)),
    ("low-speed-timeout", "0", .integer(1...86_400)),
    ("low-speed-timeout", "1s", .integer(1...86_400)),
    ("limit-rate", "fast", .size), ("limit-rate", "0", .size), ("limit-rate", "-1", .size),
    ("limit-rate", "1.5M", .size), ("limit-rate", "10%", .size),
    ("limit-rate", "99999999999999999999", .size), ("limit-rate", "99999999999G", .size),
    ("limit-rate", "1X", .size), ("limit-rate", "K", .size), ("limit-rate", "1iB", .size),
    ("reserve-space", "100%", .sizeOrPercent), ("reserve-space", "%", .sizeOrPercent),
    ("reserve-space", "-1%", .sizeOrPercent), ("reserve-space", "3 %", .sizeOrPercent),
    ("read-back", "ALL", .oneOf(["all", "boot", "none"])),
  ])
  func `a value that a key of pull does not take is refused with what it takes`(
    key: String, value: String, expected: ExpectedValue
  ) throws {
    let setting = try #require(Setting(section: "pull", key: key))
    let result = read("# c\n[pull]\n\(key)=\(value)\n").map(\.connections)
    #expect(
      result
        == .failure(
          .value(path: "c.conf", line: 3, setting, value: value, expected: expected)))
  }

  @Test(arguments: [
    ("device", "stateroot", "a/b", ExpectedValue.folderName),
    ("device", "handled-ecus", "lamp;lamp", .ecus), ("device", "handled-ecus", "a:1;b:1", .ecus),
    ("device", "handled-ecus", "lamp:", .ecus), ("device", "handled-ecus", ":1", .ecus),
    ("device", "stateroot", "..", .folderName),
    ("device", "stateroot", ".", .folderName), ("device", "ref", "a\\nb", .text),
    ("server", "url", "ftp://a", .url), ("server", "url", "https://", .url),
    ("server", "url", "https:///a", .url), ("server", "url", "https://a b", .url),
    ("server", "url", "example.com", .url), ("server", "ca-file", "ca.pem", .absolutePath),
    ("server", "proxy", "proxy:3128", .proxy), ("server", "proxy", "None", .proxy),
    ("server", "provisioning", "auto", .oneOf(["none", "shared", "device"])),
    ("uptane", "mode", "off", .oneOf(["uptane", "tuf", "none"])),
    (
      "boot", "loader", "uboot",
      .oneOf(["auto", "uboot-env", "uenv", "grub", "systemd-boot", "bls", "none"])
    ),
    ("boot", "trial-boots", "100", .integer(0...99)),
    ("boot", "merge", "later", .oneOf(["auto", "now", "boot"])),
    ("boot", "fw-env-config", "x", .absolutePath),
    ("update", "reboot", "yes", .oneOf(["never", "now"])),
    ("update", "health-checks", "/a;b", .absolutePath),
    ("update", "health-checks", ";", .absolutePath),
    ("update", "handler-timeout", "0", .integer(1...86_400)),
  ])
  func `a value that any other key does not take is refused`(
    section: String, key: String, value: String, expected: ExpectedValue
  ) throws {
    let setting = try #require(Setting(section: section, key: key))
    guard
      case .failure(.value("c.conf", 2, setting, _, expected)) =
        read("[\(section)]\n\(key)=\(value)\n").map(\.connections)
    else {
      Issue.record("\(key)=\(value) is not refused as it should be")
      return
    }
  }

  @Test(
    arguments: [
      ("1500", 1500), ("1K", 1024), ("1k", 1024), ("2M", 2 << 20), ("1GiB", 1 << 30),
      ("1KB", 1024), ("3b", 3), ("1T", 1 << 40), ("5M  ", 5 << 20),
      ("18446744073709551615", UInt64.max),
    ] as [(String, UInt64)])
  func `sizes have units of 1024`(text: String, bytes: UInt64) throws {
    #expect(try read("[pull]\nlimit-rate=\(text)\n").get().limitRateBytesPerSecond == bytes)
  }

  @Test(arguments: [
    ("0", SpaceReserve.bytes(0)), ("0%", .percent(0)), ("99%", .percent(99)),
    ("1G", .bytes(1 << 30)),
  ])
  func `space is kept in bytes or percent`(text: String, reserve: SpaceReserve) throws {
    #expect(try read("[pull]\nreserve-space=\(text)\n").get().reserveSpace == reserve)
  }

  @Test func `a proxy can be turned off`() throws {
    #expect(try read("[server]\nproxy=none\n").get().proxy == ProxySetting.none)
  }

  @Test func `a file that is no keyfile is named with its line`() {
    let result = read("[device]\nref\n").map(\.connections)
    #expect(result == .failure(.syntax(path: "c.conf", .notALine(line: 2))))
  }
}
