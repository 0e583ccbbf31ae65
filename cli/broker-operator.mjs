/** @import { NatsConnection } from '@nats-io/transport-node' */
/** @import { ProblemBody } from '#libs/contracts' */
/** @import { Terminal } from './terminal/terminal.mjs' */
/** @import { TimeLimits } from './time-limits.mjs' */
import { running } from '../scripts/lib/running.mjs';
import { dataServices } from '../scripts/lib/services.mjs';
import { signedByOperator } from './call-signature.mjs';
import { variable } from './environment.mjs';
import { CommandError, EXIT, usageError } from './exit-codes.mjs';
import { inSeconds } from './time-limits.mjs';

/** Milliseconds. */
const CONNECT_TIMEOUT = 3_000;
/** Codes of Node.js for a certificate that is not accepted. */
const CERTIFICATE_CODES = /CERT|SIGNED|^UNABLE_TO_/;

/**
 * Sends a request to a service. Rejects with `Unanswered`.
 * @typedef {<T>(service: string, question: string, data: object) => Promise<T>} Ask
 */

/**
 * Runs `work` with a connection to the broker as its user `operator`. Its requests concern the installation, not an account.
 * @template T
 * @param {TimeLimits} limits
 * @param {(ask: Ask) => Promise<T>} work
 */
export async function asOperator({ answer }, work) {
  const { address, key } = await credentials();
  const nats = await connected(address, Math.min(answer, CONNECT_TIMEOUT));
  try {
    return await work((service, question, data) => ask(nats, key, answer, service, question, data));
  } finally {
    await nats.close();
  }
}

/** A service does not answer, or refuses the request. */
export class Unanswered extends CommandError {}

/**
 * @param {string} service
 * @param {ProblemBody} problem its answer
 */
function refused(service, { code = 'internal', detail, errors }) {
  const reason = errors?.[0]?.message ?? detail;
  return new Unanswered(EXIT.failed, `${service} refused the request (${code})${reason ? `: ${reason}` : '.'}`);
}

/**
 * @param {NatsConnection} nats
 * @param {string} key the operator's private key
 * @param {number} timeout milliseconds
 * @param {string} service
 * @param {string} question
 * @param {object} data
 */
async function ask(nats, key, timeout, service, question, data) {
  const subject = `lifecycle.${service}.${question}`;
  const packet = JSON.stringify({ pattern: subject, data, id: '0' });
  const { headers } = await import('@nats-io/transport-node');
  const signed = headers();
  signed.set('call-signature', signedByOperator(key, subject, packet));
  const answer = await nats.request(subject, packet, { timeout, headers: signed }).catch((error) => {
    if (error instanceof Error && error.name === 'TimeoutError')
      throw new Unanswered(EXIT.timedOut, `${service} did not answer within ${inSeconds(timeout)}.`);
    throw new Unanswered(EXIT.unreachable, `${service} is not running.`);
  });
  // any: the caller declares the type of the response.
  const { err, response } = /** @type {{ err?: ProblemBody, response: any }} */ (answer.json());
  if (err) throw refused(service, err);
  return response;
}

/** The operator's address of the broker and private key: from the environment, or of the Leaver on this machine. */
async function credentials() {
  const here = await running();
  const [address, key] = [variable('NATS_URL') || here?.operator, variable('SERVICE_KEY') || here?.operatorKey];
  if (!address)
    throw new CommandError(
      EXIT.unreachable,
      'Set NATS_URL to the broker’s address, with the operator’s name and password in it.',
    );
  if (!URL.canParse(address))
    throw new CommandError(EXIT.unreachable, 'NATS_URL is not an address like nats://host:4222.');
  if (!key)
    throw new CommandError(
      EXIT.unreachable,
      'Set SERVICE_KEY to the operator’s private key, with which it signs its requests.',
    );
  return { address, key };
}

/**
 * @param {string} address
 * @param {number} timeout milliseconds
 */
async function connected(address, timeout) {
  const { protocol, host, username, password } = new URL(address);
  const ca = variable('NATS_CA');
  const tls = ca || protocol === 'tls:' ? { ...(ca && { ca }) } : undefined;
  const { connect } = await import('@nats-io/transport-node');
  const user = username && {
    user: decodeURIComponent(username),
    pass: decodeURIComponent(password),
    inboxPrefix: `_INBOX_${decodeURIComponent(username)}`,
  };
  return connect({ servers: host, ...(user || {}), tls, reconnect: false, timeout }).catch((error) => {
    const hint = CERTIFICATE_CODES.test(error.code)
      ? '. NATS_CA_FILE must name the file with the certificate of the CA that issued the broker’s'
      : '';
    throw new CommandError(EXIT.unreachable, `The broker can’t be reached at ${host}: ${error.message}${hint}`);
  });
}

/**
 * Sends a request to one service that owns data, or to all of them. A service that does not answer is reported and does not stop the others.
 * @template T
 * @param {TimeLimits} limits
 * @param {string | undefined} service
 * @param {string} question
 * @param {object} data
 * @param {Terminal} messages
 * @returns {Promise<{ answers: { service: string, answer: T }[], failure: number | undefined }>} `failure`: the exit code if
 *   a service has not answered
 */
export async function askDataServices(limits, service, question, data, messages) {
  if (service !== undefined && !dataServices.includes(service))
    throw usageError(`--service is one of ${dataServices.join(', ')}.`);
  const asked = service ? [service] : dataServices;
  /** @type {{ service: string, answer: T }[]} */
  const answers = [];
  /** @type {number[]} */
  const failures = [];
  await asOperator(limits, (ask) =>
    Promise.all(
      asked.map(async (one, index) => {
        try {
          answers[index] = { service: one, answer: await ask(one, question, data) };
        } catch (error) {
          if (!(error instanceof Unanswered)) throw error;
          messages.line(messages.red(error.message));
          failures.push(error.exitCode);
        }
      }),
    ),
  );
  return { answers: answers.filter(Boolean), failure: failures.sort().at(-1) };
}
