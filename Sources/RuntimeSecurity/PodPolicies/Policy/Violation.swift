// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0

/// One reason why a policy does not accept a pod.
package struct Violation: Sendable, Equatable {
    /// What is controlled: `hostNamespaces`, `privileged`, `volumes`.
    package var control: String
    /// The container's name; empty when it is about the whole pod.
    package var container: String
    /// In the pod: `spec.containers[0].securityContext.privileged`
    package var path: String
    /// What stands there, as JSON text of at most 200 characters; empty when nothing does.
    package var value: String
    /// What is wrong, in one sentence without a full stop: `privileged containers are not allowed`.
    package var message: String
    /// What would make it pass: `set it to false or remove it`.
    package var remedy: String

    package init(
        _ control: String, container: String = "", path: String, value: String = "", message: String, remedy: String
    ) {
        self.control = control
        self.container = container
        self.path = path
        self.value = value
        self.message = message
        self.remedy = remedy
    }
}
