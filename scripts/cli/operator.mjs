import { running } from '../lib/running.mjs';
import { Ending, EXIT } from './ending.mjs';

const CONNECT_WITHIN = 3_000;
const ANSWER_WITHIN = 30_000;

/**
 * Connects to the broker as its user `operator` for as long as `work` takes: what is asked here is a matter of the
 * operator, not of an account.
 * @param work gets `ask(service, question, data)`, which resolves to the answer, or throws `Unanswered`
 */
export async function asOperator(work) {
  const nats = await connected();
  try {
    return await work((service, question, data) => ask(nats, service, question, data));
  } finally {
    await nats.close();
  }
}

/** The service is away, or said no; `problem` is what it said. */
export class Unanswered extends Ending {
  constructor(service, problem) {
    const why = problem?.errors?.[0]?.message ?? problem?.detail;
    const no = `${service} could not do it (${problem?.code ?? 'internal'})${why ? `: ${why}` : '.'}`;
    super(problem ? EXIT.failed : EXIT.unreachable, problem ? no : `${service} does not answer.`);
  }
}

async function ask(nats, service, question, data) {
  const subject = `lifecycle.${service}.${question}`;
  const packet = JSON.stringify({ pattern: subject, data, id: '0' });
  const answer = await nats.request(subject, packet, { timeout: ANSWER_WITHIN }).catch(() => {
    throw new Unanswered(service);
  });
  const { err, response } = answer.json();
  if (err) throw new Unanswered(service, err);
  return response;
}

async function connected() {
  const address = process.env.NATS_URL || (await running())?.operator;
  if (!address)
    throw new Ending(
      EXIT.unreachable,
      'Set NATS_URL to the broker’s address, with the operator’s name and password in it.',
    );
  const { host, username, password } = new URL(address);
  const { connect } = await import('@nats-io/transport-node');
  const user = username && {
    user: decodeURIComponent(username),
    pass: decodeURIComponent(password),
    inboxPrefix: `_INBOX_${decodeURIComponent(username)}`,
  };
  return connect({ servers: host, ...user, reconnect: false, timeout: CONNECT_WITHIN }).catch((error) => {
    throw new Ending(EXIT.unreachable, `The broker can’t be reached at ${host}: ${error.message}`);
  });
}
