export * from './clock.js';
export * from './ids.js';
export * from './columns.js';
export * from './migrate.js';
export * from './directory.js';
export * from './paging.js';
export * from './orm-options.js';
export * from './database.module.js';
