// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Findings
import Inventory
import Reporting

/// The report as a bill of materials.
extension ImageReport {
    package func bill(toolVersion: String) -> BillOfMaterials {
        var bill = BillOfMaterials(
            name: reference.isEmpty ? name : reference, distribution: inventory.distribution,
            packages: inventory.packages)
        bill.digest = digest.isEmpty ? imageID : digest
        bill.created = created
        bill.toolVersion = toolVersion
        bill.layers = inventory.layers.map {
            BillOfMaterials.Layer(digest: $0.digest, diffID: $0.diffID, createdBy: $0.createdBy)
        }
        bill.vulnerabilities = billVulnerabilities
        return bill
    }

    /// What is unsure is left out: a bill has no word for it, and whoever writes one says that it is not whole.
    private var billVulnerabilities: [BillVulnerability] {
        struct Key: Hashable {
            let id: String
            let exception: ImageVulnerability.Exception?
        }
        var places: [Key: Int] = [:]
        var found: [BillVulnerability] = []
        for item in vulnerabilities where item.status != .error {
            let key = Key(id: item.id, exception: item.exception)
            let place = places[key] ?? found.count
            if place == found.count {
                places[key] = place
                found.append(item.forBill)
            }
            found[place].affects.append(item.package)
            if item.advisory != item.id, !found[place].aliases.contains(item.advisory) {
                found[place].aliases.append(item.advisory)
            }
            let rating = item.rating
            if !found[place].ratings.contains(rating) { found[place].ratings.append(rating) }
            let remedy = item.remedy
            if !found[place].recommendation.contains(remedy) { found[place].recommendation += "\n" + remedy }
        }
        return found
    }

    /// An inventory as a bill tells of it.
    package init(bill: BillOfMaterials, source: String) {
        var inventory = ImageInventory()
        inventory.distribution = bill.distribution
        inventory.packages = bill.packages
        inventory.layers = bill.layers.map {
            var layer = ImageInventory.LayerSummary()
            (layer.digest, layer.diffID, layer.createdBy) = ($0.digest, $0.diffID, $0.createdBy)
            return layer
        }
        for package in bill.packages {
            if let layer = package.layer, inventory.layers.indices.contains(layer) {
                inventory.layers[layer].packages += 1
            }
        }
        if bill.unknownCount > 0 {
            let names = bill.unknown.joined(separator: ", ") + (bill.unknownCount > bill.unknown.count ? ", …" : "")
            inventory.problems.add(
                ScanProblem(
                    "\(bill.unknownCount) libraries without a package URL that is known here were not judged: \(names)")
            )
        }
        if bill.packages.isEmpty { inventory.problems.add(ScanProblem("the bill lists no package that is known here")) }
        self.init(name: bill.name.isEmpty ? source : bill.name, inventory: inventory)
        digest = bill.digest
    }
}

extension ImageVulnerability {
    fileprivate var rating: BillVulnerability.Rating {
        BillVulnerability.Rating(
            source: severitySource, severity: severity.description, score: score, vector: vector)
    }

    fileprivate var forBill: BillVulnerability {
        var item = BillVulnerability(id: id)
        item.source = ecosystem
        item.aliases = aliases.filter { $0 != id }
        (item.title, item.details, item.recommendation) = (title, details, remedy)
        item.advisories = references
        item.published = published > 0 ? Timestamp.iso8601(published) : ""
        item.updated = modified > 0 ? Timestamp.iso8601(modified) : ""
        if let exception {
            let state: BillVulnerability.Analysis.State =
                switch exception.kind {
                case .accepted: .exploitable
                case .notAffected: .notAffected
                case .fixed: .resolved
                }
            item.analysis = .init(state: state, reason: exception.reason, source: exception.source)
        }
        if let exploitProbability {
            item.properties.append(.init("bulwark:exploitProbability", "\(exploitProbability)"))
        }
        if isKnownExploited { item.properties.append(.init("bulwark:knownExploited", "true")) }
        return item
    }
}
