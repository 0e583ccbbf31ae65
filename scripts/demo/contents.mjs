/** @import { People } from './account.mjs' */
import { createAutomations } from './automations.mjs';
import { createContactData, importContacts } from './contacts.mjs';
import { createInsights } from './insights.mjs';
import { createIntegrations } from './integrations.mjs';
import { createMessagingData } from './messaging.mjs';
import { createTelephonyData } from './telephony.mjs';

/** @typedef {Awaited<ReturnType<typeof fillAccount>>} Content the data of a demo account */

/**
 * Creates the account's data: rows for every rule, most of the leaver, some of colleagues that a departure must not change.
 * @param {People} people
 */
export async function fillAccount(people) {
  const contacts = await importContacts(people);
  const contactData = await createContactData(people, contacts);
  const [messaging, telephony, automations, integrations, insights] = await Promise.all([
    createMessagingData(people, contacts, contactData),
    createTelephonyData(people, contacts),
    createAutomations(people),
    createIntegrations(people, contactData),
    createInsights(people),
  ]);
  return { contacts, ...contactData, ...messaging, ...telephony, ...automations, ...integrations, ...insights };
}
