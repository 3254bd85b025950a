// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Documents

/// Chance that is the same on every run (SplitMix64).
struct Dice: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var value = state
        value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
        value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
        return value ^ (value >> 31)
    }

    /// True in `percent` of 100 cases.
    mutating func rolls(_ percent: Int) -> Bool { Int.random(in: 0..<100, using: &self) < percent }

    mutating func one<Element>(of list: [Element]) -> Element { list[Int.random(in: list.indices, using: &self)] }

    /// Some of a list, in any order.
    mutating func some<Element>(of list: [Element], _ counts: ClosedRange<Int>) -> [Element] {
        Array(list.shuffled(using: &self).prefix(Int.random(in: counts, using: &self)))
    }
}

/// What pods and policies of the differential test draw from, so that they meet.
enum Pool {
    static let ids = [0, 1, 999, 1000, 1001, 5000, 65534]
    static let capabilities = ["NET_ADMIN", "SYS_TIME", "CHOWN", "KILL", "ALL", "NET_RAW", "SYS_PTRACE"]
    static let seccomp = ["runtime/default", "docker/default", "unconfined", "localhost/a.json", "localhost/b/c.json"]
    static let appArmor = ["runtime/default", "unconfined", "localhost/x", "localhost/y"]
    static let sysctls = [
        "net.core.somaxconn", "kernel.msgmax", "kernel.shm_rmid_forced", "net.ipv4.tcp_syncookies",
        "net.ipv4.ip_local_port_range", "kernel.sem", "net.ipv4.ping_group_range",
    ]
    static let hostPaths = [
        "/", "/var/log", "/var/log/", "/var/logs", "/etc/foo", "/var/log/app", "/foo", "/food", "/var//log",
    ]
    static let ports = [80, 443, 8080, 9000, 9090]
    static let runtimeClasses = ["gvisor", "kata", "runc"]
    static let drivers = ["example.com/one", "example.com/two", "example.com/three"]
    static let csiDrivers = ["one.csi.example.com", "two.csi.example.com", "three.csi.example.com"]
    static let seLinux: [EditValue] = [
        ["level": "s0:c1,c2"], ["level": "s0:c2,c1"], ["level": "s0"], ["user": "u", "role": "r", "type": "t"],
        ["user": "u", "role": "r", "type": "t", "level": "s0:c1,c2"], ["type": "t", "level": "s0:c2,c1"], [:],
        ["type": "other", "level": "s0:c1,c2,c3"],
    ]
    static let procMounts = ["Default", "Unmasked"]

    /// The smallest source of each volume type that the API server takes, under the type's name in pods.
    static let volumes: [(type: String, source: EditValue)] = [
        ("azureFile", ["secretName": "a", "shareName": "b"]), ("flocker", ["datasetName": "a"]),
        ("gcePersistentDisk", ["pdName": "a"]), ("awsElasticBlockStore", ["volumeID": "a"]),
        ("gitRepo", ["repository": "a"]), ("secret", ["secretName": "a"]), ("nfs", ["server": "a", "path": "/b"]),
        ("iscsi", ["targetPortal": "1.2.3.4:80", "iqn": "iqn.2020-01.com.example:a", "lun": 0]),
        ("glusterfs", ["endpoints": "a", "path": "b"]), ("persistentVolumeClaim", ["claimName": "a"]),
        ("rbd", ["monitors": ["a"], "image": "b"]), ("cinder", ["volumeID": "a"]), ("cephfs", ["monitors": ["a"]]),
        ("downwardAPI", ["items": [["path": "a", "fieldRef": ["fieldPath": "metadata.name"]]]]),
        ("fc", ["targetWWNs": ["a"], "lun": 0]), ("configMap", ["name": "a"]), ("vsphereVolume", ["volumePath": "a"]),
        ("quobyte", ["registry": "a:1", "volume": "b"]), ("azureDisk", ["diskName": "a", "diskURI": "https://a/b"]),
        ("photonPersistentDisk", ["pdID": "a"]), ("storageos", ["volumeName": "a", "volumeNamespace": "b"]),
        ("portworxVolume", ["volumeID": "a"]),
        ("scaleIO", ["gateway": "a", "system": "b", "volumeName": "c", "secretRef": ["name": "d"]]), ("emptyDir", [:]),
        (
            "ephemeral",
            [
                "volumeClaimTemplate": [
                    "spec": ["accessModes": ["ReadWriteOnce"], "resources": ["requests": ["storage": "1Gi"]]]
                ]
            ]
        ),
    ]

    static let projections: [EditValue] = [
        ["sources": [["serviceAccountToken": ["path": "token", "expirationSeconds": 3600]]]],
        [
            "sources": [
                ["serviceAccountToken": ["path": "token", "expirationSeconds": 3607]],
                ["configMap": ["name": "kube-root-ca.crt", "items": [["key": "ca.crt", "path": "ca.crt"]]]],
                [
                    "downwardAPI": [
                        "items": [
                            ["path": "namespace", "fieldRef": ["apiVersion": "v1", "fieldPath": "metadata.namespace"]]
                        ]
                    ]
                ],
            ]
        ],
        ["sources": [["serviceAccountToken": ["path": "token", "audience": "vault"]]]],
        ["sources": [["serviceAccountToken": ["path": "other"]]]],
        ["sources": [["configMap": ["name": "mine"]]]],
        ["sources": [["configMap": ["name": "kube-root-ca.crt"]]]],
        ["sources": [["secret": ["name": "mine"]]]],
        [
            "sources": [
                ["downwardAPI": ["items": [["path": "labels", "fieldRef": ["fieldPath": "metadata.labels"]]]]]
            ]
        ],
        [
            "sources": [
                ["downwardAPI": ["items": [["path": "namespace", "fieldRef": ["fieldPath": "metadata.namespace"]]]]]
            ]
        ],
        ["sources": []],
    ]
}

extension [String: EditValue] {
    var edit: EditValue { .object(sorted { $0.key < $1.key }.map { ($0.key, $0.value) }) }
}

extension [String] {
    var edit: EditValue { .array(map(EditValue.string)) }
}

extension Int {
    var edit: EditValue { .number(String(self)) }
}
