// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0

extension ImagePolicy {
    /// What it says of one image outside of admission, by a scan that is at hand.
    /// - Parameters:
    ///   - image: as a pod would write it.
    ///   - now: seconds since 1970.
    /// - Returns: the objections; nil where the policy does not count for the image, or exempts it.
    package func judge(
        _ image: String, by verdict: ImageVerdict, for request: ImageRequest, now: Int64
    ) -> [ImageObjection]? {
        var (reference, problem): (ScannedReference?, String) = (nil, "")
        do throws(ImagePolicyError) { reference = try ScannedReference(image: image) } catch {
            problem = error.message
        }
        guard reaches(reference, request), exemption(for: reference, request, now: now) == nil else { return nil }
        return ImageJudge(
            policy: self, image: PodImage(container: "", path: "", image: image), reference: reference,
            problem: problem, knowledge: verdict.hasResult ? .result(verdict) : .failed(verdict.message), unasked: "",
            now: now
        ).objections()
    }
}
