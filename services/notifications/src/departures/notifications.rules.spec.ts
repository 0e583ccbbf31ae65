import { coversEveryPersonalColumn } from '#libs/lifecycle/testing';
import { entities, migrations } from '../notifications.module.js';
import { kept } from './kept.js';
import { notificationsRules } from './notifications.rules.js';

coversEveryPersonalColumn({ name: 'notifications', entities, rules: notificationsRules, migrations }, kept);
