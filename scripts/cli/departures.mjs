import { Ending, EXIT, usageFault } from './ending.mjs';
import { follow } from './follow.mjs';
import { nameOf, overridesIn, personBy, successorsIn } from './people.mjs';
import { ask } from './questions.mjs';
import { showDeparture, showPreview } from './views.mjs';

const TRANSITIONS = ['deactivated', 'deleted'];
const VERBS = { deactivated: 'deactivate', deleted: 'delete' };
const GONE_WRONG = ['failed', 'superseded', 'cancelled'];

export function transitionIn({ transition }, usual) {
  const chosen = transition ?? usual;
  if (!TRANSITIONS.includes(chosen)) throw usageFault('--transition is deactivated or deleted.');
  return chosen;
}

const previewOf = (api, { id }, transition) => api.get(`/v1/users/${id}/departure-preview?transition=${transition}`);

export async function preview({ api, args: [word], values, out, tell }) {
  const transition = transitionIn(values, 'deactivated');
  const person = await personBy(api, word);
  const found = await previewOf(api, person, transition);
  tell(found, () => showPreview(out, found, `If ${nameOf(person)} is ${transition}`));
  return found.possible ? EXIT.done : EXIT.failed;
}

export const deactivate = (context) => leave(context, 'deactivated');
export const remove = (context) => leave(context, 'deleted');

async function leave(context, transition) {
  const {
    api,
    args: [word],
    values,
  } = context;
  const person = await personBy(api, word);
  const wishes = {
    successors: await successorsIn(api, values.successor),
    overrides: overridesIn(values.override),
    reason: values.reason,
    effectiveAt: values.at,
    returnAt: values['return-at'],
    planToken: values['plan-token'],
  };
  if (!values.yes) wishes.planToken ??= await agreedUpon(context, person, transition);
  const accepted = await api.post(`/v1/users/${person.id}/${VERBS[transition]}`, wishes);
  return conclude(context, accepted);
}

/** Shows what would happen and asks. @returns the plan token: what is read now is what will be done, or nothing is */
async function agreedUpon({ api, say }, person, transition) {
  if (!process.stdin.isTTY)
    throw usageFault('Nobody is here to confirm it: use --yes, and --plan-token of a preview if you have read one.');
  const { planToken, ...shown } = await previewOf(api, person, transition);
  showPreview(say, shown, `If ${nameOf(person)} is ${transition}`);
  if (!shown.possible) throw new Ending(EXIT.failed, 'That is not possible now.');
  const answer = await ask(`Type ${VERBS[transition]} to go on: `);
  if (answer !== VERBS[transition]) throw new Ending(EXIT.failed, 'Nothing has been done.');
  return planToken;
}

export async function reactivate(context) {
  const {
    api,
    args: [word],
    values,
  } = context;
  const { restore } = values;
  const person = await personBy(api, word);
  const wanted = restore === undefined || restore === 'all' || restore === 'none' ? restore : restore.split(',');
  return conclude(context, await api.post(`/v1/users/${person.id}/reactivate`, { restore: wanted }));
}

export async function status(context) {
  const {
    api,
    args: [id],
  } = context;
  return conclude(context, await api.get(`/v1/departures/${encodeURIComponent(id)}`));
}

async function conclude({ api, values, out, say, tell }, departure) {
  const latest = values.watch ? await follow(api, departure.id, say) : departure;
  tell(latest, () => showDeparture(out, latest));
  return GONE_WRONG.includes(latest.status) ? EXIT.failed : EXIT.done;
}
