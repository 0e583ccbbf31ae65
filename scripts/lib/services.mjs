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
