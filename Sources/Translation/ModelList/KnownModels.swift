/// The models to list where a provider has no list of its own, late 2026.
///
/// Others work too: a list is what a client offers to choose from, and no limit.
package enum KnownModels {
    /// Model Studio, pay as you go.
    package static let modelStudio =
        entries(
            "qwen3.8-max", "qwen3.8-flash", "qwen3.7-max", "qwen3.7-plus", "qwen3.7-flash", "qwen3.6-plus",
            "qwen3.6-flash", "qwen3.5-plus", "qwen3-max", "qwen3-coder-plus", "qwen3-coder-flash", "qwen3-coder-next",
            "qwen3-vl-plus", "qwen3-omni-flash", "qwen-max", "qwen-plus", "qwen-flash", "qwen-turbo", "qwen-vl-max",
            "qwen-vl-plus", "qwq-plus", "qvq-max") + embeddings

    /// Model Studio's for embeddings. Clients find them by `embed` in their names, and its own list may lack them.
    package static let embeddings = entries("qwen3.7-text-embedding", "text-embedding-v4", "text-embedding-v3")

    /// The portal that logins lead to.
    package static let portal = entries("coder-model")

    private static func entries(_ ids: String...) -> [ModelEntry] {
        ids.map { ModelEntry(id: $0, owner: ModelEntry.usualOwner) }
    }
}
