/// The console's files as `ops/embed-console.sh` made them of those under `Page/`, each with its entity-tag.
enum EmbeddedConsole {}
