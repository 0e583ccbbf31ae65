/** Those that own data, in the order they are shown. */
export const dataServices = [
  'identity',
  'contacts',
  'messaging',
  'telephony',
  'automations',
  'integrations',
  'insights',
];

export const services = ['gateway', ...dataServices];

/** Services of other teams, which `npm start` does not run: names in LEAVER_GUESTS, with commas between. */
export const guests = guestsIn(process.env.LEAVER_GUESTS);

/** Everybody with a name and password of their own on the broker: besides the services, whoever subscribes to the events, and the operator. */
export const brokerUsers = [...services, ...guests, 'subscriber', 'operator'];

/** Where the services are once they are ready to run. */
export const bundles = 'dist/run';

/** @throws Error for a name that can't stand in a subject, or that somebody has */
function guestsIn(list = '') {
  const names = list.split(',').map((name) => name.trim());
  const taken = [...services, 'subscriber', 'operator'];
  return names.filter(Boolean).map((name) => {
    if (/^[a-z][a-z0-9-]{1,30}$/.test(name) && !taken.includes(name)) return name;
    throw new Error(`LEAVER_GUESTS: ${name} can't be the name of a service`);
  });
}
