// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0

/// Groups of artifacts whose archives do not say them: those that Gradle or Ant builds have no pom.properties.
enum JavaGroups {
    /// - Returns: nil for artifacts that are not known here.
    static func group(of artifact: String, version: String) -> String? {
        if let group = exact[artifact] { return group }
        switch artifact {
        case "hibernate-core" where major(version) >= 6: return "org.hibernate.orm"
        case "hibernate-core": return "org.hibernate"
        case "log4j": return "log4j"
        case "c3p0": return version.hasPrefix("0.9.1") ? "c3p0" : "com.mchange"
        default: break
        }
        if artifact == "groovy" || artifact.hasPrefix("groovy-") {
            return major(version) >= 4 ? "org.apache.groovy" : "org.codehaus.groovy"
        }
        if let name = artifact.dropPrefix("commons-"), oldCommons.contains(String(name)) { return artifact }
        return beginnings.first { artifact.hasPrefix($0.start) }?.group
    }

    private static func major(_ version: String) -> Int { Int(version.prefix { $0.isNumber }) ?? 0 }

    /// Of Apache Commons before it was a group: `commons-io:commons-io`. Their manifests name the vendor only.
    private static let oldCommons: Set<String> = [
        "beanutils", "betwixt", "chain", "cli", "codec", "collections", "configuration", "daemon", "dbcp", "dbutils",
        "digester", "discovery", "el", "email", "fileupload", "httpclient", "io", "jelly", "jexl", "jxpath", "lang",
        "logging", "math", "modeler", "net", "pool", "primitives", "validator", "vfs",
    ]

    /// The longer beginning stands first.
    private static let beginnings: [(start: String, group: String)] = [
        ("spring-boot", "org.springframework.boot"), ("spring-security-", "org.springframework.security"),
        ("spring-cloud-", "org.springframework.cloud"), ("spring-data-", "org.springframework.data"),
        ("spring-integration-", "org.springframework.integration"), ("spring-session-", "org.springframework.session"),
        ("spring-batch-", "org.springframework.batch"), ("spring-", "org.springframework"),
        ("log4j-", "org.apache.logging.log4j"), ("slf4j-", "org.slf4j"), ("logback-", "ch.qos.logback"),
        ("jackson-dataformat-", "com.fasterxml.jackson.dataformat"),
        ("jackson-datatype-", "com.fasterxml.jackson.datatype"), ("jackson-module-", "com.fasterxml.jackson.module"),
        ("tomcat-embed-", "org.apache.tomcat.embed"), ("tomcat-", "org.apache.tomcat"), ("netty-", "io.netty"),
        ("jetty-", "org.eclipse.jetty"), ("kotlin-", "org.jetbrains.kotlin"),
        ("kotlinx-coroutines-", "org.jetbrains.kotlinx"), ("lucene-", "org.apache.lucene"),
        ("hadoop-", "org.apache.hadoop"), ("solr-", "org.apache.solr"), ("shiro-", "org.apache.shiro"),
        ("struts2-", "org.apache.struts"), ("activemq-", "org.apache.activemq"), ("camel-", "org.apache.camel"),
        ("cxf-", "org.apache.cxf"), ("tika-", "org.apache.tika"), ("grpc-", "io.grpc"),
        ("okhttp-", "com.squareup.okhttp3"),
        ("bcprov-", "org.bouncycastle"), ("bcpkix-", "org.bouncycastle"), ("bcutil-", "org.bouncycastle"),
        ("bctls-", "org.bouncycastle"), ("micrometer-", "io.micrometer"), ("reactor-netty", "io.projectreactor.netty"),
        ("guice-", "com.google.inject.extensions"), ("asm-", "org.ow2.asm"), ("ant-", "org.apache.ant"),
        ("jnr-", "com.github.jnr"), ("commons-logging-", "commons-logging"), ("protobuf-java", "com.google.protobuf"),
        ("mongodb-driver", "org.mongodb"), ("xpp3_", "xpp3"), ("hamcrest-", "org.hamcrest"),
        ("mockito-", "org.mockito"),
        ("elasticsearch-", "org.elasticsearch"), ("vertx-", "io.vertx"), ("resteasy-", "org.jboss.resteasy"),
    ]

    private static let exact: [String: String] = [
        "jackson-core": "com.fasterxml.jackson.core", "jackson-databind": "com.fasterxml.jackson.core",
        "jackson-annotations": "com.fasterxml.jackson.core", "guava": "com.google.guava",
        "gson": "com.google.code.gson",
        "protobuf-java": "com.google.protobuf", "snakeyaml": "org.yaml", "xercesImpl": "xerces", "xalan": "xalan",
        "junit": "junit", "h2": "com.h2database", "postgresql": "org.postgresql", "mysql-connector-java": "mysql",
        "mysql-connector-j": "com.mysql", "mssql-jdbc": "com.microsoft.sqlserver", "ojdbc8": "com.oracle.database.jdbc",
        "mariadb-java-client": "org.mariadb.jdbc", "httpclient": "org.apache.httpcomponents",
        "httpcore": "org.apache.httpcomponents", "httpmime": "org.apache.httpcomponents",
        "httpclient5": "org.apache.httpcomponents.client5", "httpcore5": "org.apache.httpcomponents.core5",
        "commons-compress": "org.apache.commons", "commons-lang3": "org.apache.commons",
        "commons-text": "org.apache.commons", "commons-collections4": "org.apache.commons",
        "commons-configuration2": "org.apache.commons", "commons-csv": "org.apache.commons",
        "commons-math3": "org.apache.commons", "commons-pool2": "org.apache.commons",
        "commons-dbcp2": "org.apache.commons", "commons-exec": "org.apache.commons",
        "commons-email": "org.apache.commons", "commons-imaging": "org.apache.commons", "jsoup": "org.jsoup",
        "dom4j": "org.dom4j", "jdom2": "org.jdom", "xstream": "com.thoughtworks.xstream", "fastjson": "com.alibaba",
        "velocity": "org.apache.velocity", "kafka-clients": "org.apache.kafka", "zookeeper": "org.apache.zookeeper",
        "elasticsearch": "org.elasticsearch", "undertow-core": "io.undertow", "netty": "io.netty",
        "okhttp": "com.squareup.okhttp3", "okio": "com.squareup.okio", "retrofit": "com.squareup.retrofit2",
        "joda-time": "joda-time", "mongo-java-driver": "org.mongodb", "json": "org.json",
        "json-path": "com.jayway.jsonpath",
        "json-smart": "net.minidev", "jettison": "org.codehaus.jettison", "javassist": "org.javassist",
        "hibernate-validator": "org.hibernate.validator", "mybatis": "org.mybatis", "quartz": "org.quartz-scheduler",
        "snappy-java": "org.xerial.snappy", "sqlite-jdbc": "org.xerial", "lz4-java": "org.lz4",
        "zstd-jni": "com.github.luben",
        "jjwt": "io.jsonwebtoken", "nimbus-jose-jwt": "com.nimbusds", "poi": "org.apache.poi",
        "poi-ooxml": "org.apache.poi",
        "pdfbox": "org.apache.pdfbox", "itextpdf": "com.itextpdf", "reactor-core": "io.projectreactor",
        "bsh": "org.beanshell",
        "jsch": "com.jcraft", "Saxon-HE": "net.sf.saxon", "jing": "org.relaxng", "xmlresolver": "org.xmlresolver",
        "py4j": "net.sf.py4j", "woodstox-core": "com.fasterxml.woodstox", "batik-all": "org.apache.xmlgraphics",
        "guice": "com.google.inject", "asm": "org.ow2.asm", "ant": "org.apache.ant", "jffi": "com.github.jnr",
        "jsr305": "com.google.code.findbugs", "serializer": "xalan", "oro": "oro", "xom": "xom", "xz": "org.tukaani",
        "xml-resolver": "xml-resolver", "xml-apis": "xml-apis", "xml-apis-ext": "xml-apis", "bson": "org.mongodb",
        "ezmorph": "net.sf.ezmorph", "json-lib": "net.sf.json-lib", "xpp3": "xpp3",
        "xmlsec": "org.apache.santuario", "wildfly-core": "org.wildfly.core", "angus-mail": "org.eclipse.angus",
    ]
}
