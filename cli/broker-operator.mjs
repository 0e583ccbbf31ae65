/** @import { NatsConnection } from '@nats-io/transport-node' */
/** @import { ProblemBody } from '#libs/contracts' */
/** @import { Terminal } from './terminal.mjs' */
import { running } from '../scripts/lib/running.mjs';
import { dataServices } from '../scripts/lib/services.mjs';
import { CommandError, EXIT, usageError } from './exit-codes.mjs';

/** Milliseconds. */
const CONNECT_TIMEOUT = 3_000;
const ANSWER_TIMEOUT = 30_000;

/**
 * Asks a service. It rejects with `Unanswered`.
 * @typedef {<T>(service: string, question: string, data: object) => Promise<T>} Ask
 */

/**
 * Connects to the broker as its user `operator` while `work` runs. Its questions concern the installation, not an account.
 * @template T
 * @param {(ask: Ask) => Promise<T>} work
 */
export async function asOperator(work) {
  const nats = await connected();
  try {
    return await work((service, question, data) => ask(nats, service, question, data));
  } finally {
    await nats.close();
  }
}

/** The service does not answer, or refuses; `problem` is its answer. */
export class Unanswered extends CommandError {
  /**
   * @param {string} service
   * @param {ProblemBody} [problem]
   */
  constructor(service, problem) {
    const reason = problem?.errors?.[0]?.message ?? problem?.detail;
    const refused = `${service} could not do it (${problem?.code ?? 'internal'})${reason ? `: ${reason}` : '.'}`;
    super(problem ? EXIT.failed : EXIT.unreachable, problem ? refused : `${service} does not answer.`);
  }
}

/**
 * @param {NatsConnection} nats
 * @param {string} service
 * @param {string} question
 * @param {object} data
 */
async function ask(nats, service, question, data) {
  const subject = `lifecycle.${service}.${question}`;
  const packet = JSON.stringify({ pattern: subject, data, id: '0' });
  const answer = await nats.request(subject, packet, { timeout: ANSWER_TIMEOUT }).catch(() => {
    throw new Unanswered(service);
  });
  // any: the caller names the type of what it asks for.
  const { err, response } = /** @type {{ err?: ProblemBody, response: any }} */ (answer.json());
  if (err) throw new Unanswered(service, err);
  return response;
}

async function connected() {
  const address = process.env.NATS_URL || (await running())?.operator;
  if (!address)
    throw new CommandError(
      EXIT.unreachable,
      'Set NATS_URL to the broker’s address, with the operator’s name and password in it.',
    );
  if (!URL.canParse(address))
    throw new CommandError(EXIT.unreachable, 'NATS_URL is not an address like nats://host:4222.');
  const { host, username, password } = new URL(address);
  const { connect } = await import('@nats-io/transport-node');
  const user = username && {
    user: decodeURIComponent(username),
    pass: decodeURIComponent(password),
    inboxPrefix: `_INBOX_${decodeURIComponent(username)}`,
  };
  return connect({ servers: host, ...(user || {}), reconnect: false, timeout: CONNECT_TIMEOUT }).catch((error) => {
    throw new CommandError(EXIT.unreachable, `The broker can’t be reached at ${host}: ${error.message}`);
  });
}

/**
 * Asks one service that owns data, or all of them. A service that does not answer is reported and does not stop the others.
 * @template T
 * @param {string | undefined} service
 * @param {string} question
 * @param {object} data
 * @param {Terminal} messages
 * @returns {Promise<{ answers: { service: string, answer: T }[], complete: boolean }>} `complete`: every service has answered
 */
export async function askDataServices(service, question, data, messages) {
  if (service !== undefined && !dataServices.includes(service))
    throw usageError(`--service is one of ${dataServices.join(', ')}.`);
  const asked = service ? [service] : dataServices;
  /** @type {{ service: string, answer: T }[]} */
  const answers = [];
  await asOperator((ask) =>
    Promise.all(
      asked.map(async (one, index) => {
        try {
          answers[index] = { service: one, answer: await ask(one, question, data) };
        } catch (error) {
          if (!(error instanceof Unanswered)) throw error;
          messages.line(messages.red(error.message));
        }
      }),
    ),
  );
  const given = answers.filter(Boolean);
  return { answers: given, complete: given.length === asked.length };
}
