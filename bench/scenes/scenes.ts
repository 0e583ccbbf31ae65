import { automations } from './automations.js';
import { contacts } from './contacts.js';
import { insights } from './insights.js';
import { integrations } from './integrations.js';
import { messaging } from './messaging.js';
import type { Scene } from './scene.js';
import { telephony } from './telephony.js';

/** Every service with rules except identity, whose decisions measure 3 covers. */
export const SCENES: readonly Scene[] = [contacts, messaging, telephony, automations, integrations, insights];
