// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Findings

/// The page docs/inspection/catalogue.md, made of the checks themselves.
enum CheckPage {
    static func markdown(_ checks: [Check]) -> String {
        var text = """
            # The checks

            Made by `make docs` from `checks/`; `bulwark checks show ID` tells more of each. A control is a number of the CIS Kubernetes
            Benchmark 1.12, a level of the Pod Security Standards, a chapter of the NSA's hardening guide, or a MITRE ATT&CK technique.

            """
        var area = ""
        for check in checks {
            if check.area != area {
                area = check.area
                text +=
                    "\n## \(area)\n\n| id | check | severity | says | controls | known elsewhere as |\n|---|---|---|---|---|---|\n"
            }
            let controls = check.controls.map { "\($0.benchmark) \($0.ids.joined(separator: ", "))" }.joined(
                separator: "; ")
            let aliases = check.aliases.flatMap(\.ids).map { "`\($0)`" }.joined(separator: " ")
            let name = check.slug + (check.fixable ? " (fix)" : "")
            text += "| \(check.id) | \(name) | \(check.severity) | \(check.title) | \(controls) | \(aliases) |\n"
        }
        return text
    }
}
