import { textsOf } from './language';

const services = textsOf({
  identity: 'Sign-in and teams',
  contacts: 'Contacts and records',
  messaging: 'Messages',
  telephony: 'Phone',
  automations: 'Automations',
  integrations: 'Apps and documents',
  insights: 'Dashboards and reports',
});

/** Services of other teams have the name that their team gave them. */
export const serviceName = (service: string): string =>
  Object.hasOwn(services, service) ? services[service as keyof typeof services] : service || unknown.service;

const unknown = textsOf({ service: 'A service' });
