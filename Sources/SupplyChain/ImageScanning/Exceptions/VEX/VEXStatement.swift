// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Inventory

/// Somebody's word on whether a vulnerability matters to a product.
struct VEXStatement: Sendable {
    enum Status: String, Sendable {
        case notAffected = "not_affected", affected, fixed, investigated = "under_investigation"
    }

    /// What a statement is about: a whole, or parts of it.
    struct Product: Sendable {
        /// Each names the same product; a package, an image or a distribution.
        var names: [VEXName] = []
        /// Packages inside of it; empty for all of it.
        var parts: [VEXName] = []
        /// Why, where it is said for this product alone.
        var reason = ""
    }

    /// The vulnerability's name and aliases.
    var names: Set<String> = []
    /// Empty for every product.
    var products: [Product] = []
    var status: Status
    var reason = ""
    /// Seconds since 1970; 0 where the document does not say.
    var time: Int64 = 0
    /// The file.
    var source = ""
    /// Somebody accepts the risk: what our own bills say of exceptions that are no VEX.
    var isAcceptance = false

    /// What the statement says of a package of an image; nil for nothing.
    /// - Returns: the reason, which may be empty.
    func reason(for package: VEXTarget) -> String? {
        if products.isEmpty { return reason }
        for product in products {
            let isPackage = product.names.contains { $0.means(package: package) }
            let isImage = !isPackage && product.names.contains { $0.means(imageOf: package) }
            guard isPackage || isImage else { continue }
            guard isPackage || product.parts.isEmpty || product.parts.contains(where: { $0.means(package: package) })
            else { continue }
            return product.reason.isEmpty ? reason : product.reason
        }
        return nil
    }
}

/// A package of an image, by all that statements call it.
struct VEXTarget {
    let url: PackageURL
    let key: String
    /// Complete, with the epoch that package URLs of rpm have apart.
    let version: String
    /// File and the place inside of it: `app.war!/WEB-INF/lib/a.jar`.
    let place: String
    /// What the image is called: reference, digests, names.
    let image: [String]
    let imageURL: PackageURL?
    /// `registry.example.org/team/web`
    let repository: String
    let distribution: Distribution?

    init(
        _ package: FoundPackage, image: [String], imageURL: PackageURL?, repository: String,
        distribution: Distribution?
    ) {
        url = package.url(distribution)
        key = VEXName.key(url)
        (version, place) = (package.version, package.place)
        (self.image, self.imageURL, self.repository) = (image, imageURL, repository)
        self.distribution = distribution
    }
}
