import { describe, expect, it } from '@jest/globals';
import { summaryOf } from './statement-summary.js';

describe('a statement is summarised by', () => {
  it.each([
    ['insert into outbox (id) select id from json_to_recordset($1) as e (id uuid)', 'INSERT', 'outbox'],
    ['update "users" set "name" = $1 where "id" = $2', 'UPDATE', 'users'],
    ['DELETE FROM only task t using unnest($1::uuid[]) as n (id)', 'DELETE', 'task'],
    ['select "u0".* from "users" as "u0" where "u0"."id" = $1 for update', 'SELECT', 'users'],
    ['select i.* from inbox i join unnest($1::uuid[]) as k (id) on true for no key update of i', 'SELECT', 'inbox'],
  ])('its operation and table: %s', (text, operation, table) => {
    expect(summaryOf(text)).toEqual({ operation, table });
  });

  it('the table that it changes, whatever it reads or locks first', () => {
    const text = `with due as materialized (select id from departure for no key update skip locked)
      update departure_news n set told = true from due`;
    expect(summaryOf(text)).toEqual({ operation: 'UPDATE', table: 'departure_news' });
    const upsert = 'insert into directory (id) values ($1) on conflict (id) do update set seq = excluded.seq';
    expect(summaryOf(upsert)).toEqual({ operation: 'INSERT', table: 'directory' });
  });

  it('a table, not a function in the from clause', () => {
    expect(summaryOf('select p.id from unnest($1::uuid[]) as p (id) join inbox i on i.id = p.id')).toEqual({
      operation: 'SELECT',
      table: 'inbox',
    });
    const named = 'with l as materialized (select 1 from unnest($1)) select * from l join app on true';
    expect(summaryOf(named)).toEqual({ operation: 'SELECT', table: 'app' });
    expect(summaryOf('select pg_notify($1, $2)')).toEqual({ operation: 'SELECT', table: undefined });
  });

  it('what follows the settings that come with it', () => {
    const settings = `set role "contacts_calls"; set leaver.account = '019b3c5e'; set lock_timeout = 100; `;
    expect(summaryOf(`${settings}begin`)).toEqual({ operation: 'BEGIN', table: undefined });
    expect(summaryOf(`set role none; update desk set name = 1`)).toEqual({ operation: 'UPDATE', table: 'desk' });
  });

  it('its first word if it has no table', () => {
    expect(summaryOf('begin')).toEqual({ operation: 'BEGIN', table: undefined });
    expect(summaryOf('savepoint trx1')).toEqual({ operation: 'SAVEPOINT', table: undefined });
  });

  it('nothing inside a quoted value, even a truncated one', () => {
    const value = `it''s from zoe, update zoe ${'and so on '.repeat(500)} update zoe`;
    expect(summaryOf(`select '${value}' as "note"`)).toEqual({ operation: 'SELECT', table: undefined });
    expect(summaryOf(`select '${value}`)).toEqual({ operation: 'SELECT', table: undefined });
  });
});
