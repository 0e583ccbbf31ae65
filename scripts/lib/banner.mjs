/** @import { DemoLogin } from '../demo/load-accounts.mjs' */
import { relative } from 'node:path';

/**
 * Prints where everything is and what to try next.
 * @param {object} options
 * @param {string} options.home
 * @param {number} options.port
 * @param {DemoLogin[]} options.logins
 * @param {string} options.events the broker's address for subscribers
 */
export function showBanner({ home, port, logins, events }) {
  const url = `http://localhost:${port}`;
  const columns = /** @type {const} */ (['preset', 'account', 'email']);
  const widths = new Map(columns.map((column) => [column, Math.max(...logins.map((login) => login[column].length))]));
  const rows = logins.map((login) => {
    const cells = columns.map((column) => login[column].padEnd(widths.get(column) ?? 0));
    return `    ${[...cells, login.password].join('  ')}`;
  });
  const lines = [
    `  Leaver is running   ${url}`,
    `  API reference       ${url}/docs`,
    `  Events (NATS)       ${events}`,
    `  State and logs      ${shortest(home)}`,
    '',
    '  Demo accounts (preset, account, email of the owner, password)',
    ...rows,
    ...nextSteps(url, logins),
    '',
    '  Ctrl-C stops everything.',
  ];
  console.log(`\n${lines.join('\n')}\n`);
}

/**
 * Lines to paste into another terminal.
 * @param {string} url
 * @param {DemoLogin[]} logins
 */
function nextSteps(url, logins) {
  const demo = ['', '  Next, in another terminal: a user leaves, from the preview to the proof', '    npm run demo'];
  const login = logins.find(({ leaver }) => leaver);
  if (!login?.leaver) return demo;
  const { email, password, leaver } = login;
  return [
    ...demo,
    '',
    `  What would happen if ${leaver.name} left today`,
    `    TOKEN=$(curl -s ${url}/v1/auth/login -H 'Content-Type: application/json' \\`,
    `      -d '${JSON.stringify({ email, password })}' | grep -o '"accessToken":"[^"]*' | cut -d '"' -f 4)`,
    `    curl -s "${url}/v1/users/${leaver.id}/departure-preview?transition=deactivated" \\`,
    '      -H "Authorization: Bearer $TOKEN"',
  ];
}

/**
 * The path relative to the working directory if it is below it.
 * @param {string} path
 */
function shortest(path) {
  const from = relative(process.cwd(), path);
  return from && !from.startsWith('..') ? from : path;
}
