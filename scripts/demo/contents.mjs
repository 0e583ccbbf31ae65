import { automate } from './automations.mjs';
import { fileAway, importContacts } from './contacts.mjs';
import { showFigures } from './insights.mjs';
import { integrate } from './integrations.mjs';
import { converse } from './messaging.mjs';
import { telephone } from './telephony.mjs';

/**
 * Gives the account its data: most of it the leaver's, some of colleagues, so that one can see what stays untouched. Of
 * every rule there is something.
 * @returns what a demo looks at again later
 */
export async function fillAccount(people) {
  const contacts = await importContacts(people);
  const filed = await fileAway(people, contacts);
  const things = await Promise.all([
    converse(people, contacts, filed),
    telephone(people, contacts),
    automate(people),
    integrate(people, filed),
    showFigures(people),
  ]);
  return Object.assign({ contacts }, filed, ...things);
}
