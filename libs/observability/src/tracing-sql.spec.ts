import { describe, expect, it } from '@jest/globals';
import { summaryOf } from './tracing-sql.js';

describe('a statement is known by', () => {
  it.each([
    ['insert into outbox (id) select id from json_to_recordset($1) as e (id uuid)', 'INSERT', 'outbox'],
    ['update "users" set "name" = $1 where "id" = $2', 'UPDATE', 'users'],
    ['DELETE FROM only task t using unnest($1::uuid[]) as n (id)', 'DELETE', 'task'],
    ['select "u0".* from "users" as "u0" where "u0"."id" = $1 for update', 'SELECT', 'users'],
    ['select i.* from inbox i join unnest($1::uuid[]) as k (id) on true for no key update of i', 'SELECT', 'inbox'],
  ])('what it does and to which table: %s', (text, operation, table) => {
    expect(summaryOf(text)).toEqual({ operation, table });
  });

  it('what it changes, whatever it reads before and locks', () => {
    const text = `with due as materialized (select id from departure for no key update skip locked)
      update departure_news n set told = true from due`;
    expect(summaryOf(text)).toEqual({ operation: 'UPDATE', table: 'departure_news' });
    const upsert = 'insert into directory (id) values ($1) on conflict (id) do update set seq = excluded.seq';
    expect(summaryOf(upsert)).toEqual({ operation: 'INSERT', table: 'directory' });
  });

  it('a table, not a function that is read like one', () => {
    expect(summaryOf('select p.id from unnest($1::uuid[]) as p (id) join inbox i on i.id = p.id')).toEqual({
      operation: 'SELECT',
      table: 'inbox',
    });
    const named = 'with l as materialized (select 1 from unnest($1)) select * from l join app on true';
    expect(summaryOf(named)).toEqual({ operation: 'SELECT', table: 'app' });
    expect(summaryOf('select pg_notify($1, $2)')).toEqual({ operation: 'SELECT', table: undefined });
  });

  it('its first word, when it is about no table', () => {
    expect(summaryOf('begin')).toEqual({ operation: 'BEGIN', table: undefined });
    expect(summaryOf('savepoint trx1')).toEqual({ operation: 'SAVEPOINT', table: undefined });
  });

  it('nothing that stands in a value, even one that is cut off', () => {
    const value = `it''s from zoe, update zoe ${'and so on '.repeat(500)} update zoe`;
    expect(summaryOf(`select '${value}' as "note"`)).toEqual({ operation: 'SELECT', table: undefined });
    expect(summaryOf(`select '${value}`)).toEqual({ operation: 'SELECT', table: undefined });
  });
});
