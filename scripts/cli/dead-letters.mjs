import { dataServices } from '../lib/services.mjs';
import { EXIT, usageFault } from './ending.mjs';
import { asOperator, Unanswered } from './operator.mjs';

/** What services have given up on. */
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
  const asked = service ? [service] : dataServices;
  const answers = await asOperator((ask) =>
    Promise.all(asked.map((one) => answerOf(one, ask(one, question, data), say))),
  );
  const given = answers.filter(Boolean);
  return Object.assign(given, { complete: given.length === asked.length });
}

/** Whoever does not answer keeps nobody else from it. */
async function answerOf(service, asked, say) {
  try {
    return { service, answer: await asked };
  } catch (error) {
    if (!(error instanceof Unanswered)) throw error;
    say.line(say.red(error.message));
    return undefined;
  }
}
