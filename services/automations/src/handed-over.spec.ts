import { handsOver } from '#libs/platform/testing';
import { startAutomations } from './testing/automations.js';

handsOver('automations', startAutomations, {
  automations: { body: { name: 'Welcome', trigger: { kind: 'any' } } },
});
