/** The services that own data, in the order in which they are shown. */
export const dataServices = [
  'identity',
  'contacts',
  'messaging',
  'telephony',
  'automations',
  'integrations',
  'insights',
  'notifications',
];

export const services = ['gateway', ...dataServices];

/**
 * Services of other teams, which `npm start` does not run: the names in LEAVER_EXTERNAL_SERVICES, separated by commas. The
 * variable's former name, LEAVER_GUESTS, is still read.
 */
export const externalServices = namesIn(process.env.LEAVER_EXTERNAL_SERVICES ?? process.env.LEAVER_GUESTS);

/** The broker's users: the services, programs that subscribe to the events, and the operator. */
export const brokerUsers = [...services, ...externalServices, 'subscriber', 'operator'];

/** All that sign their calls. */
export const signers = [...services, ...externalServices, 'operator'];

/** The folder of the built services. */
export const bundles = 'dist/run';

/** How the names of services' consumers and of identity's second user end: a subscriber's consumer has the subscriber's name. */
const RESERVED_ENDS = /-(users|receipts|departures|departure-events|streams)$/;

/**
 * Whether a service or subscriber of another team may have this name: it can be part of a subject, and is none of ours.
 * @param {string} name
 */
export const isFreeName = (name) =>
  /^[a-z][a-z0-9-]{1,30}$/.test(name) &&
  !RESERVED_ENDS.test(name) &&
  ![...services, 'subscriber', 'operator'].includes(name);

/** @throws Error if a name cannot be part of a subject, or is taken */
function namesIn(list = '') {
  const names = list.split(',').map((name) => name.trim());
  return names.filter(Boolean).map((name) => {
    if (isFreeName(name)) return name;
    throw new Error(`LEAVER_EXTERNAL_SERVICES: ${name} cannot be the name of a service`);
  });
}
