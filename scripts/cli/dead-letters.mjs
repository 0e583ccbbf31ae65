import { running } from '../lib/running.mjs';
import { dataServices } from '../lib/services.mjs';
import { Ending, EXIT, usageFault } from './ending.mjs';

const CONNECT_WITHIN = 3_000;
const ANSWER_WITHIN = 30_000;

/** What services have given up on. They are asked over the broker: this is a matter of the operator, not of an account. */
export async function deadLetters({ values, out, say, tell }) {
  const answers = await askServices(values, 'dead-letters', { data: values.data === true }, say);
  const letters = answers.flatMap(({ service, answer }) => answer.map((letter) => ({ service, ...letter })));
  tell(letters, () => showLetters(out, letters));
  return answers.complete ? EXIT.done : EXIT.unreachable;
}

/** Has them tried again. What has been applied is not applied twice. */
export async function replay({ args, values, out, say, tell }) {
  if ((args.length === 0) === (values.all !== true)) throw usageFault('Name what to replay by id, or say --all.');
  const answers = await askServices(values, 'replay', { ids: values.all ? 'all' : args }, say);
  const of = (what) => answers.flatMap(({ service, answer }) => answer[what].map((one) => ({ service, ...idOf(one) })));
  const result = { replayed: of('replayed'), refused: of('refused') };
  const met = new Set([...result.replayed, ...result.refused].map(({ id }) => id));
  const unknown = args.filter((id) => !met.has(id));
  tell({ ...result, unknown }, () => {
    out.line(`${result.replayed.length} replayed. What fails again is among the dead letters again.`);
    if (result.refused.length > 0)
      out.table(
        ['service', 'id', 'why not'],
        result.refused.map(({ service, id, reason }) => [service, id, reason]),
      );
    for (const id of unknown) out.line(out.red(`  ✗ no service has a dead letter ${id}`));
  });
  if (!answers.complete) return EXIT.unreachable;
  return result.refused.length + unknown.length === 0 ? EXIT.done : EXIT.failed;
}

const idOf = (one) => (typeof one === 'string' ? { id: one } : one);

function showLetters(out, letters) {
  if (letters.length === 0) return out.line(out.green('There are no dead letters.'));
  out.table(
    ['service', 'id', 'kind', 'since', 'reason', 'about'],
    letters.map(({ service, id, kind, since, reason, subject, type, userId }) => [
      service,
      id,
      kind,
      since.slice(0, 19),
      reason,
      kind === 'message' ? subject : `${type} ${userId}`,
    ]),
  );
}

/** @returns the answers of those that are there; `complete` tells whether all are */
async function askServices({ service }, question, data, say) {
  if (service !== undefined && !dataServices.includes(service))
    throw usageFault(`--service is one of ${dataServices.join(', ')}.`);
  const nats = await connected();
  try {
    const asked = service ? [service] : dataServices;
    const answers = await Promise.all(asked.map((one) => askOne(nats, one, question, data, say)));
    const given = answers.filter(Boolean);
    return Object.assign(given, { complete: given.length === asked.length });
  } finally {
    await nats.close();
  }
}

async function askOne(nats, service, question, data, say) {
  const subject = `lifecycle.${service}.${question}`;
  const packet = JSON.stringify({ pattern: subject, data, id: '0' });
  try {
    const { err, response } = (await nats.request(subject, packet, { timeout: ANSWER_WITHIN })).json();
    if (!err) return { service, answer: response };
    say.line(say.red(`${service} could not do it (${err.code ?? 'internal'}).`));
  } catch {
    say.line(say.red(`${service} does not answer.`));
  }
  return undefined;
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
  const user = username ? { user: decodeURIComponent(username), pass: decodeURIComponent(password) } : {};
  return connect({ servers: host, ...user, reconnect: false, timeout: CONNECT_WITHIN }).catch((error) => {
    throw new Ending(EXIT.unreachable, `The broker can’t be reached at ${host}: ${error.message}`);
  });
}
