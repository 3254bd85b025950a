// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0

/// Every address of the console.
enum RouteTable {
    static let apiPrefix = "/api/v1/"

    static let pages: [Route] =
        StaticFiles.routes + LoginPage.routes + OverviewPage.routes + FindingsPage.routes + WorkloadPage.routes
        + PoliciesPage.routes + BindPage.routes + ConstraintsPage.routes + DecisionsPage.routes + ChecksPage.routes
        + ImagesPage.routes + ImagePage.routes + VulnerabilitiesPage.routes + ReportsPage.routes
        + ExemptionsPage.routes + SchedulePage.routes + AccountsPage.routes
        + TokensPage.routes

    static let api: [Route] =
        SummaryAPI.routes + FindingsAPI.routes + WorkloadsAPI.routes + ChecksAPI.routes + ReportsAPI.routes
        + ExemptionsAPI.routes + PoliciesAPI.routes + ConstraintsAPI.routes + DecisionsAPI.routes
        + ImagesAPI.routes + VulnerabilitiesAPI.routes + InspectionsAPI.routes + AccountsAPI.routes
        + TokensAPI.routes + OpenAPI.routes

    static let all: [Route] = pages + api + HealthRoutes.routes
}
