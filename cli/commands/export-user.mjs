/** @import { StartedExport, UserExport } from '#libs/contracts' */
/** @import { HttpClient } from '../http-client.mjs' */
/** @import { TimeLimits } from '../time-limits.mjs' */
import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { defineCommand } from '../command.mjs';
import { signedInClient } from '../credentials.mjs';
import { findUser, nameOf } from '../departures/users.mjs';
import { CommandError, EXIT } from '../exit-codes.mjs';
import { inSeconds, StallDetector } from '../time-limits.mjs';

/** Milliseconds. */
const POLL_INTERVAL = 500;
const STANDARD_OUTPUT = '-';

export const exportUser = defineCommand({
  usage: 'export-user <user> [--out <file>]',
  about:
    'copy every row that names a user, from all services, into a ZIP file that only you can read: by default export-<id>.zip; ' +
    '--out - writes it to standard output',
  args: 1,
  options: { out: { type: 'string' } },
  run: async ({ args, values, limits, out, messages, report }) => {
    const api = await signedInClient(limits);
    const user = await findUser(api, args[0]);
    /** @type {StartedExport} */
    const { id } = await api.post(`/v1/users/${user.id}/export`);
    const done = await untilOver(api, id, limits);
    if (done.status !== 'completed') throw new CommandError(EXIT.failed, `The export has failed (${done.error}).`);
    const file = values.out ?? `export-${id}.zip`;
    await save(api, done, file);
    const summary = `${nameOf(user)}: ${done.rows} rows, SHA-256 ${done.sha256}`;
    if (file === STANDARD_OUTPUT) messages.line(summary);
    else report({ ...done, file }, () => out.line(`${summary}, in ${file}`));
    for (const { service, reason } of done.missing) messages.line(messages.yellow(`  ! without ${service}: ${reason}`));
    return done.missing.length === 0 ? EXIT.done : EXIT.failed;
  },
});

/**
 * @param {HttpClient} api
 * @param {string} id
 * @param {TimeLimits} limits
 * @returns {Promise<UserExport>}
 */
async function untilOver(api, id, limits) {
  const stall = new StallDetector(limits.progress);
  for (;;) {
    /** @type {UserExport} */
    const latest = await api.get(`/v1/exports/${id}`);
    if (latest.status !== 'running') return latest;
    if (stall.isStalled(latest.rows))
      throw new CommandError(EXIT.timedOut, `The export ${id} made no progress for ${inSeconds(limits.progress)}.`);
    await new Promise((wake) => setTimeout(wake, POLL_INTERVAL));
  }
}

/**
 * Writes the file, which must not exist, and checks its digest.
 * @param {HttpClient} api
 * @param {UserExport} done
 * @param {string} path
 */
async function save(api, { id, sha256 }, path) {
  const target = path === STANDARD_OUTPUT ? process.stdout : await newFile(path, id);
  const hash = createHash('sha256');
  await pipeline(
    await api.download(`/v1/exports/${id}/download`),
    async function* (/** @type {AsyncIterable<Uint8Array>} */ pieces) {
      for await (const piece of pieces) {
        hash.update(piece);
        yield piece;
      }
    },
    target,
    { end: target !== process.stdout },
  );
  if (hash.digest('hex') !== sha256)
    throw new CommandError(EXIT.failed, `${path} is damaged: its SHA-256 is not that of the export.`);
}

/**
 * @param {string} path
 * @param {string} exportId
 */
async function newFile(path, exportId) {
  try {
    return (await open(path, 'wx', 0o600)).createWriteStream();
  } catch (error) {
    const { code } = /** @type {NodeJS.ErrnoException} */ (error);
    throw new CommandError(
      EXIT.failed,
      `${path} cannot be written (${code}). The export ${exportId} can be downloaded.`,
    );
  }
}
