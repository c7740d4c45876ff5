// swift-format-ignore-file
// Made by ops/embed-console.sh of Page/console.html: edit that.

extension EmbeddedConsole {
    static let consoleHTMLTag: StaticString = "\"fb045dcc43845afd\""
    static let consoleHTML: StaticString = ##"""
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="robots" content="noindex">
<title>qwen-gateway</title>
<link rel="icon" href="/console/icon.svg" type="image/svg+xml">
<link rel="stylesheet" href="/console/console.css">
<script type="module" src="/console/console.js"></script>
</head>
<body>
<a class="skip" href="#main">Skip to the content</a>

<header>
  <img src="/console/icon.svg" alt="" width="32" height="32">
  <div class="title">
    <h1>qwen-gateway</h1>
    <p id="version"></p>
  </div>
  <p id="serving" class="pill" hidden></p>
  <div class="contact">
    <p id="contact" role="status">Connecting …</p>
    <button id="forget" type="button" hidden>Forget the key</button>
  </div>
</header>

<main id="main" tabindex="-1">
  <noscript><p class="notice bad">This page needs JavaScript. <code>GET /health/detailed</code> tells programs the
    same.</p></noscript>

  <p id="unreachable" class="notice bad" role="alert" hidden></p>

  <section id="door" class="card narrow" aria-labelledby="door-title" hidden>
    <h2 id="door-title">Administrator’s key</h2>
    <p>On this address the console opens to an administrator’s key: one of <code>GATEWAY_ADMIN_KEYS</code>, or of
      <code>qwen-gateway keys add NAME --admin</code>. It stays in this tab, and is forgotten when that is closed.</p>
    <form id="door-form">
      <label for="door-key">Key</label>
      <input id="door-key" type="password" autocomplete="off" spellcheck="false" required
        aria-describedby="door-problem">
      <button class="primary" type="submit">Open the console</button>
      <p id="door-problem" class="problem" role="alert"></p>
    </form>
  </section>

  <div id="content" hidden>
    <section aria-labelledby="figures-title">
      <h2 id="figures-title" class="unseen">Figures</h2>
      <dl id="figures"></dl>
    </section>

    <section class="charts" aria-label="The last half hour">
      <figure class="card" id="chart-requests"></figure>
      <figure class="card" id="chart-tokens"></figure>
      <figure class="card" id="chart-latency"></figure>
    </section>

    <section class="card" aria-labelledby="requests-title">
      <h2 id="requests-title">Requests under way <span id="requests-count" class="count"></span></h2>
      <div id="requests"></div>
    </section>

    <div class="columns">
      <section class="card" aria-labelledby="credentials-title">
        <h2 id="credentials-title">Credentials for Qwen</h2>
        <div id="credentials"></div>
      </section>
      <section class="card" aria-labelledby="login-title">
        <h2 id="login-title">Login to Qwen</h2>
        <div id="login" aria-live="polite"></div>
        <p><button id="begin-login" type="button" hidden>Begin a login</button></p>
      </section>
    </div>

    <section class="card" aria-labelledby="errors-title">
      <h2 id="errors-title">Refused and failed of late</h2>
      <div id="errors"></div>
    </section>

    <div class="columns">
      <section class="card" aria-labelledby="keys-title">
        <h2 id="keys-title">Clients’ keys</h2>
        <div id="keys"></div>
      </section>
      <section class="card" aria-labelledby="certificates-title">
        <h2 id="certificates-title">Certificate</h2>
        <div id="certificates"></div>
      </section>
    </div>
  </div>
</main>
</body>
</html>

"""##
}
