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

/** Everybody with a name and password of their own on the broker: besides the services, whoever subscribes to the events, and the operator. */
export const brokerUsers = [...services, 'subscriber', 'operator'];

/** Where the services are once they are ready to run. */
export const bundles = 'dist/run';
