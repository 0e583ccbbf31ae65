// npm run audit: asks the registry for known vulnerabilities of the packages in the image, and verifies the registry's signatures
// of all installed packages. A vulnerability of at least MIN_LEVEL or a wrong signature fails. A registry that does not answer fails
// only with --strict, because many mirrors have neither.
import { execFile } from 'node:child_process';
import { argv } from 'node:process';
import { fileURLToPath } from 'node:url';
import { ensureInstalled, main, npmCommand } from './lib/prepare.mjs';
import { root } from './lib/root.mjs';

const MIN_LEVEL = 'high';
/** Without retries: npm otherwise tries for more than a minute. */
const NETWORK = ['--fetch-retries=0', '--fetch-timeout=15000'];
const MAX_BYTES = 64 * 2 ** 20;

/** @typedef {{ name: string, ok: boolean | undefined, detail: string }} Finding ok is undefined when the registry did not answer */

/**
 * @param {string[]} args of npm
 * @returns {Promise<Record<string, any>>} what npm answers as JSON; npm's exit code says less than its answer
 */
function askNpm(args) {
  const [program, ...flags] = npmCommand([...args, '--json', ...NETWORK]);
  return new Promise((resolve) => {
    execFile(program, flags, { cwd: root, maxBuffer: MAX_BYTES }, (_error, stdout) => {
      try {
        resolve(JSON.parse(stdout));
      } catch {
        resolve({});
      }
    });
  });
}

/** @returns {Promise<Finding>} */
async function vulnerabilities() {
  const { metadata } = await askNpm(['audit', '--omit=dev', `--audit-level=${MIN_LEVEL}`]);
  const name = 'Known vulnerabilities';
  if (!metadata) return { name, ok: undefined, detail: 'the registry did not answer' };
  const { high, critical, ...others } = metadata.vulnerabilities;
  return { name, ok: high + critical === 0, detail: `${critical} critical, ${high} high, ${others.total} in all` };
}

/** @returns {Promise<Finding>} */
async function signatures() {
  const { invalid, missing } = await askNpm(['audit', 'signatures']);
  const name = 'Signatures of packages';
  if (!invalid) return { name, ok: undefined, detail: 'the registry did not answer' };
  const wrong = [...invalid, ...missing].map(({ name, version }) => `${name}@${version}`);
  return { name, ok: wrong.length === 0, detail: wrong.join(', ') || 'all are valid' };
}

/**
 * @param {boolean} strict
 * @returns the exit code
 */
export async function audit(strict) {
  const findings = [await vulnerabilities(), await signatures()];
  for (const { name, ok, detail } of findings)
    console.log(`${name}: ${ok === undefined ? 'NOT CHECKED' : ok ? 'ok' : 'FAILED'} (${detail})`);
  return findings.every(({ ok }) => ok ?? !strict) ? 0 : 1;
}

if (argv[1] === fileURLToPath(import.meta.url)) {
  await main(async () => {
    await ensureInstalled();
    return audit(argv.includes('--strict'));
  });
}
