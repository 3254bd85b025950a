// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Testing

@testable import Inventory

struct DistributionTests {
    @Test(arguments: [
        ("ID=debian\nVERSION_ID=\"12\"\nVERSION_CODENAME=bookworm", "Debian:12"),
        ("PRETTY_NAME=\"Debian GNU/Linux trixie/sid\"\nID=debian\nVERSION_CODENAME=trixie", "Debian:13"),
        ("ID=ubuntu\nVERSION_ID=\"22.04\"\nVERSION=\"22.04.3 LTS (Jammy Jellyfish)\"", "Ubuntu:22.04:LTS"),
        ("ID=ubuntu\nVERSION_ID=\"24.04\"", "Ubuntu:24.04:LTS"),
        ("ID=ubuntu\nVERSION_ID=\"23.10\"\nVERSION=\"23.10 (Mantic Minotaur)\"", "Ubuntu:23.10"),
        ("ID=ubuntu\nVERSION_ID=25.04", "Ubuntu:25.04"),
        ("ID=alpine\nVERSION_ID=3.19.1", "Alpine:v3.19"),
        ("ID=alpine\nVERSION_ID=3.21_alpha20240923", "Alpine:edge"),
        ("ID=wolfi\nVERSION_ID=\"20230201\"", "Wolfi"),
        ("ID=chainguard\nVERSION_ID=\"20230214\"", "Chainguard"),
        ("ID=minimos", "MinimOS"),
        ("ID=echo\nVERSION_ID=1", "Echo"),
        ("ID=\"almalinux\"\nVERSION_ID=\"9.3\"", "AlmaLinux:9"),
        ("ID=\"rocky\"\nVERSION_ID=\"8.9\"", "Rocky Linux:8"),
        (
            "ID=rhel\nVERSION_ID=9.2\nCPE_NAME=\"cpe:/o:redhat:enterprise_linux:9::baseos\"",
            "Red Hat:enterprise_linux:9::baseos"
        ),
        ("ID=\"centos\"\nNAME=\"CentOS Linux\"\nVERSION_ID=\"7\"", "Red Hat:enterprise_linux:7"),
        (
            "ID=\"sles\"\nPRETTY_NAME=\"SUSE Linux Enterprise Server 15 SP5\"\nVERSION_ID=15.5",
            "SUSE:Linux Enterprise Server 15 SP5"
        ),
        ("ID=sles\nVERSION_ID=15.5", "SUSE:Linux Enterprise Server 15 SP5"),
        ("ID=sles\nVERSION_ID=12", "SUSE:Linux Enterprise Server 12"),
        ("ID=sl-micro\nPRETTY_NAME='SUSE Linux Micro 6.0'", "SUSE:Linux Micro 6.0"),
        ("ID=\"opensuse-leap\"\nVERSION_ID=\"15.6\"\nPRETTY_NAME=\"openSUSE Leap 15.6\"", "openSUSE:Leap 15.6"),
        ("ID=\"opensuse-tumbleweed\"\nVERSION_ID=\"20240101\"", "openSUSE:Tumbleweed"),
        ("ID=mageia\nVERSION_ID=9", "Mageia:9"),
        ("ID=photon\nVERSION_ID=4.0", "Photon OS:4.0"),
        ("ID=azurelinux\nVERSION_ID=\"3.0\"", "Azure Linux:3"),
        ("ID=mariner\nVERSION_ID=\"2.0\"", "Azure Linux:2"),
        ("ID=\"openEuler\"\nVERSION_ID=\"22.03\"\nVERSION=\"22.03 (LTS-SP1)\"", "openEuler:22.03-LTS-SP1"),
        ("DISTRIB_ID=Ubuntu\nDISTRIB_RELEASE=20.04\nDISTRIB_CODENAME=focal", "Ubuntu:20.04:LTS"),
    ])
    func ecosystemOfOSRelease(text: String, ecosystem: String) throws {
        let distribution = try #require(Distribution(osRelease: Array(text.utf8), path: "etc/os-release"))
        #expect(distribution.ecosystem == ecosystem)
    }

    @Test(arguments: [
        "ID=fedora\nVERSION_ID=39", "ID=amzn\nVERSION_ID=2023", "ID=ol\nVERSION_ID=9.3", "ID=arch",
        "ID=centos\nNAME=\"CentOS Stream\"\nVERSION_ID=9",
    ])
    func hasNoEcosystem(text: String) throws {
        #expect(try #require(Distribution(osRelease: Array(text.utf8), path: "usr/lib/os-release")).ecosystem == nil)
    }

    @Test(arguments: [
        ("etc/debian_version", "12.5\n", "debian", "12.5", "Debian:12"),
        ("etc/debian_version", "trixie/sid\n", "debian", "", "Debian:13"),
        ("etc/alpine-release", "3.18.0\n", "alpine", "3.18.0", "Alpine:v3.18"),
        ("etc/redhat-release", "AlmaLinux release 9.0 (Emerald Puma)\n", "almalinux", "9.0", "AlmaLinux:9"),
        (
            "etc/redhat-release", "CentOS Linux release 7.9.2009 (Core)", "centos", "7.9.2009",
            "Red Hat:enterprise_linux:7"
        ),
        (
            "etc/redhat-release", "Red Hat Enterprise Linux release 8.6 (Ootpa)", "rhel", "8.6",
            "Red Hat:enterprise_linux:8"
        ),
        ("etc/rocky-release", "Rocky Linux release 9.1 (Blue Onyx)", "rocky", "9.1", "Rocky Linux:9"),
        ("etc/redhat-release", "Fedora release 39 (Thirty Nine)", "fedora", "39", nil),
    ])
    func readsOlderFiles(path: String, text: String, id: String, version: String, ecosystem: String?) throws {
        let distribution = try #require(Distribution(osRelease: Array(text.utf8), path: path))
        #expect(distribution.id == id)
        #expect(distribution.versionID == version)
        #expect(distribution.ecosystem == ecosystem)
    }

    @Test func knowsNothingFromNothing() {
        #expect(Distribution(osRelease: [], path: "etc/os-release") == nil)
        #expect(Distribution(osRelease: Array("NAME=x".utf8), path: "etc/os-release") == nil)
        #expect(Distribution(osRelease: [0xFF, 0x00], path: "etc/redhat-release") == nil)
    }

    @Test func unquotes() throws {
        let text = "ID='debian'\nNAME=\"A \\\"b\\\" \\$c\"\nPRETTY_NAME=plain\n# VERSION_ID=9\n"
        let distribution = try #require(Distribution(osRelease: Array(text.utf8), path: "etc/os-release"))
        #expect(distribution.name == "A \"b\" $c")
        #expect(distribution.versionID.isEmpty)
        #expect(Distribution.rank("etc/os-release") == 0)
        #expect(Distribution.isReleaseFile("etc/passwd") == false)
    }
}
