// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Documents

extension SecurityRules {
    /// Reads a PodSecurityPolicy object (policy/v1beta1 or extensions/v1beta1) with its annotations for profiles.
    /// - Throws: the first problem, with its field; also for a policy that the API server took and then never applied.
    package init(podSecurityPolicy object: Node) throws(PodFieldError) {
        self.init()
        guard let spec = object["spec"], !spec.isNull else {
            throw PodFieldError(path: "spec", expected: "an object", found: "nothing")
        }
        try read(try FieldReader(spec, path: "spec", known: Self.policyFieldNames))
        let annotations = object["metadata"]?["annotations"]
        func annotation(_ name: String) throws(PodFieldError) -> String? {
            guard let value = annotations?[dynamic: name], !value.isNull else { return nil }
            guard let text = value.string else {
                throw PodFieldError(
                    path: "metadata.annotations[\(name)]", expected: "a string", found: value.json(limit: 60))
            }
            return text
        }
        let seccomp = "seccomp.security.alpha.kubernetes.io/"
        // An empty list allows what no list allows: no profile.
        allowedSeccompProfiles = Self.names(try annotation(seccomp + "allowedProfileNames")).filter { !$0.isEmpty }
        defaultSeccompProfile = try annotation(seccomp + "defaultProfileName") ?? ""
        let appArmor = "apparmor.security.beta.kubernetes.io/"
        // An empty list allows no profile and none unset, where no list allows every one.
        allowedAppArmorProfiles = Self.names(try annotation(appArmor + "allowedProfileNames"))
        defaultAppArmorProfile = try annotation(appArmor + "defaultProfileName") ?? ""
        try validate(path: "spec")
    }

    private static func names(_ list: String?) -> [String] {
        list.map { $0.split(separator: ",", omittingEmptySubsequences: false).map(String.init) } ?? []
    }
}
