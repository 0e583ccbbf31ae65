import type { Migrations } from '#libs/database';
import { serviceTables } from '#libs/lifecycle';
import { platformMigrations } from '#libs/platform';
import { conversationTables } from './0100-conversations.js';
import { liveChatTables } from './0101-live-chats.js';

/** In the order in which they are applied; what has been released is never changed. */
export const migrations: Migrations = [...serviceTables, ...platformMigrations, conversationTables, liveChatTables];
