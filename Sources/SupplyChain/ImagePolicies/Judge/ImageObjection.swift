// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0

/// One reason why a policy does not accept an image.
package struct ImageObjection: Sendable, Equatable {
    /// What the policy makes of it in mode enforce.
    package enum Effect: Sendable {
        case deny
        case warn
        /// It could not be judged: the failure policy decides.
        case error
    }

    package var policy: String
    package var effect: Effect
    package var image: PodImage
    /// `has 2 critical vulnerabilities, both mended by an upgrade`: goes on after the image's name.
    package var message: String
    /// What would make it pass: `upgrade openssl 3.0.11 to 3.0.17 (CVE-2024-1)`.
    package var remedy: String

    package init(policy: String, effect: Effect, image: PodImage, message: String, remedy: String) {
        (self.policy, self.effect, self.image) = (policy, effect, image)
        (self.message, self.remedy) = (message, remedy)
    }
}

/// What is known of an image.
package enum ImageKnowledge: Sendable, Equatable {
    /// No scan was asked for.
    case missing
    /// Asked for, or at work.
    case waiting(ImageVerdict.Phase)
    /// Why there is no result.
    case failed(String)
    /// Complete or incomplete.
    case result(ImageVerdict)
    /// There is an object, and it cannot be read.
    case unreadable(String)

    /// Whether waiting could bring a result.
    package var isOpen: Bool {
        switch self {
        case .missing, .waiting: true
        default: false
        }
    }
}
