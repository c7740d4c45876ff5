import Testing
import Translation

@testable import Gateway

struct ModelDirectoryTests {
    /// Clients that look for models with `embed` in their names find Model Studio's, whatever its list says.
    @Test func embeddingsAreListed() {
        let chat = KnownModels.portal
        for (entries, authority, isCompleted) in [
            (chat, "dashscope-intl.aliyuncs.com:443", true), (chat, "localhost:1", true),
            (chat, "coding-intl.dashscope.aliyuncs.com:443", false),
            (chat + KnownModels.embeddings.suffix(1), "dashscope-intl.aliyuncs.com:443", false),
        ] {
            let listed = ModelDirectory.withEmbeddings(entries, of: authority)
            #expect(listed == entries + (isCompleted ? KnownModels.embeddings : []), "\(authority)")
        }
        #expect(KnownModels.modelStudio.contains { $0.id == "text-embedding-v4" })
    }
}
