// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Archives
import Inventory
import OCI

/// Makes the inventory of an image: all layers at once, each read once, known ones not at all.
package struct ImageScanner: Sendable {
    package var layers = LayerScanner()
    package var cache: LayerCache?
    /// Layers that are read at the same time.
    package var width = 2
    /// For fetching and reading of all layers.
    package var deadline = ScanDeadline.none
    /// Is told as layers are done: how many of how many.
    package var onProgress: @Sendable (_ done: Int, _ of: Int) -> Void = { _, _ in }

    package init() {}

    /// A layer that cannot be had or read is a problem of the inventory.
    package func inventory(of image: Image) async -> ImageInventory {
        var records = [LayerRecord?](repeating: nil, count: image.layers.count)
        await withTaskGroup(of: (Int, LayerRecord).self) { tasks in
            var next = 0
            var done = 0
            func start() {
                guard next < image.layers.count else { return }
                let index = next
                next += 1
                tasks.addTask { (index, await record(of: image.layers[index])) }
            }
            for _ in 0..<max(width, 1) { start() }
            while let (index, record) = await tasks.next() {
                records[index] = record
                done += 1
                onProgress(done, image.layers.count)
                start()
            }
        }
        var inventory = ImageInventory(records.map { $0 ?? LayerRecord() })
        for (index, layer) in image.layers.enumerated() {
            inventory.layers[index].digest = layer.digest
            inventory.layers[index].diffID = layer.diffID
            inventory.layers[index].createdBy = layer.createdBy
        }
        return inventory
    }

    private func record(of layer: Image.Layer) async -> LayerRecord {
        if let known = cache?.record(layer.diffID) { return known }
        do throws(OCIError) {
            var layers = layers
            layers.deadline = deadline
            let record = layers.scan(layer, try await deadline.limit(layer.fetch))
            // What failed as a whole may go well the next time.
            if record.problems.list.allSatisfy({ !$0.path.isEmpty }) { cache?.keep(record) }
            return record
        } catch {
            var record = LayerRecord()
            record.diffID = layer.diffID
            record.problems.add(ScanProblem("the layer could not be had: \(error)"))
            return record
        }
    }
}
