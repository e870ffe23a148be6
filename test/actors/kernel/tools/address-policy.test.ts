import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { addressFault, classOf } from "../../../../src/actors/kernel/tools/http/address-policy.ts";

test.each([
  ["8.8.8.8", "public"],
  ["1.1.1.1", "public"],
  ["172.15.255.255", "public"],
  ["172.32.0.0", "public"],
  ["100.63.255.255", "public"],
  ["223.255.255.255", "public"],
  ["2606:4700:4700::1111", "public"],
  ["2a00:1450:4001:80b::200e", "public"],
  ["::ffff:8.8.8.8", "public"],
  ["64:ff9b::808:808", "public"],
  ["127.0.0.1", "loopback"],
  ["127.255.255.254", "loopback"],
  ["::1", "loopback"],
  ["0:0:0:0:0:0:0:1", "loopback"],
  ["::ffff:127.0.0.1", "loopback"],
  ["::ffff:7f00:1", "loopback"],
  ["0:0:0:0:0:ffff:127.0.0.1", "loopback"],
  ["64:ff9b::127.0.0.1", "loopback"],
  ["10.0.0.1", "private"],
  ["172.16.0.1", "private"],
  ["172.31.255.255", "private"],
  ["192.168.1.1", "private"],
  ["100.64.0.1", "private"],
  ["198.18.0.1", "private"],
  ["::ffff:10.0.0.1", "private"],
  ["::ffff:c0a8:101", "private"],
  ["64:ff9b::a00:1", "private"],
  ["64:ff9b:1::1", "private"],
  ["fc00::1", "private"],
  ["fd12:3456:789a::1", "private"],
  ["fec0::1", "private"],
  ["169.254.169.254", "link-local"],
  ["169.254.170.2", "link-local"],
  ["168.63.129.16", "link-local"],
  ["100.100.100.200", "link-local"],
  ["fd00:ec2::254", "link-local"],
  ["fd20:ce::254", "link-local"],
  ["fe80::1", "link-local"],
  ["febf::1", "link-local"],
  ["::ffff:169.254.169.254", "link-local"],
  ["::ffff:a9fe:a9fe", "link-local"],
  ["64:ff9b::a9fe:a9fe", "link-local"],
  ["224.0.0.1", "multicast"],
  ["239.255.255.250", "multicast"],
  ["ff02::1", "multicast"],
  ["0.0.0.0", "reserved"],
  ["0.1.2.3", "reserved"],
  ["255.255.255.255", "reserved"],
  ["240.0.0.1", "reserved"],
  ["192.0.0.192", "reserved"],
  ["192.0.2.1", "reserved"],
  ["198.51.100.1", "reserved"],
  ["203.0.113.1", "reserved"],
  ["192.88.99.1", "reserved"],
  ["::", "reserved"],
  ["::ffff:0.0.0.0", "reserved"],
  ["::127.0.0.1", "reserved"],
  ["::ffff:0:127.0.0.1", "reserved"],
  ["2002:7f00:1::", "reserved"],
  ["2002:a9fe:a9fe::1", "reserved"],
  ["2001:0:53aa:64c::1", "reserved"],
  ["2001:db8::1", "reserved"],
  ["3fff::1", "reserved"],
  ["100::1", "reserved"],
  ["5f00::1", "reserved"],
  ["4000::1", "reserved"],
  ["fe80::1%eth0", "reserved"],
  ["localhost", "reserved"],
  ["0177.0.0.1", "reserved"],
  ["", "reserved"],
])("%s is %s", (address, kind) => {
  expect(classOf(address)).toBe(kind);
});

describe("what a grant opens", () => {
  test.each([
    ["8.8.8.8", false, false, true],
    ["127.0.0.1", false, true, false],
    ["127.0.0.1", true, false, true],
    ["10.1.2.3", true, false, true],
    ["169.254.169.254", true, false, false],
    ["169.254.169.254", false, true, false],
    ["169.254.169.254", true, true, true],
    ["224.0.0.1", true, true, false],
    ["0.0.0.0", true, true, false],
    ["::", true, true, false],
  ])(
    "%s with privateAddresses %s, listed itself %s: reached %s",
    (address, privateAddresses, named, reached) => {
      const fault = addressFault(address, { privateAddresses, named });
      expect(fault === undefined).toBe(reached);
      if (fault !== undefined) expect(fault.code).toBe("TOOL_ADDRESS_FORBIDDEN");
    },
  );
});

test("an IPv4 address and its mapped form are of one class", () => {
  fc.assert(
    fc.property(fc.ipV4(), (address) => {
      expect(classOf(`::ffff:${address}`)).toBe(classOf(address));
      const [a = 0, b = 0, c = 0, d = 0] = address.split(".").map(Number);
      expect(classOf(`::ffff:${(a * 256 + b).toString(16)}:${(c * 256 + d).toString(16)}`)).toBe(
        classOf(address),
      );
    }),
  );
});
