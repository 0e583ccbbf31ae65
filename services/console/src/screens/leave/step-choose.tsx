import { useQuery } from '@tanstack/react-query';
import { useMemo, useState } from 'react';
import { ProblemNotice } from '../../components/problem-notice';
import { leave as texts } from '../../texts/leave';
import { without, type Line } from './plan/choices';
import type { Choosing, StepProps } from './plan/choosing';
import { fold } from './plan/fold';
import { previewQuery } from './queries';
import { Blockers } from './parts/blockers';
import { ContactsToTell } from './parts/contacts-to-tell';
import { RowsDialog } from './parts/rows-dialog';
import { RulesTable } from './parts/rules-table';
import { SuccessorDialog } from './parts/successor-dialog';
import { Summary } from './parts/summary';
import { TakesOver } from './parts/takes-over';
import { Uncounted } from './parts/uncounted';
import { Warnings } from './parts/warnings';

const { choose } = texts;

/** Everything that would happen, and what may be chosen. The counts follow the choices. */
export function StepChoose({ user, choices, onChoose, goTo, isKept }: StepProps) {
  const { data: preview, error, isFetching, refetch } = useQuery(previewQuery(user.id, choices));
  const rules = useMemo(() => (preview ? fold(preview.rules) : []), [preview]);
  const [rows, setRows] = useState<{ line: Line; count: number }>();
  const [asked, setAsked] = useState<{ rule: string; label: string }>();
  const isUnknown = error !== null && !preview;
  const choosing: Choosing = {
    choices,
    act: (rule, action) =>
      onChoose((before) => {
        const overrides = without(before.overrides, rule);
        return { ...before, overrides: action === undefined ? overrides : { ...overrides, [rule]: action } };
      }),
    give: (rule, to) =>
      onChoose((before) => {
        const successors = without(before.successors, rule);
        return { ...before, successors: to === undefined ? successors : { ...successors, [rule]: to } };
      }),
    tell: (text) =>
      onChoose((before) => ({
        ...before,
        tellContacts: text === undefined ? undefined : { ...before.tellContacts, text },
      })),
    showRows: (line, count) => setRows({ line, count }),
    askWho: (rule, label) => setAsked({ rule, label }),
  };
  return (
    <>
      <div className="page-head">
        <div>
          <h1>{choose.title[choices.transition](user.name)}</h1>
          <p className="sub">
            {choices.effectiveAt ? choose.on : choose.now}{' '}
            <button className="text-btn" type="button" onClick={() => goTo('what')}>
              {choose.change}
            </button>
          </p>
        </div>
      </div>
      {error && <ProblemNotice error={error} title={choose.failed} onRetry={() => void refetch()} />}
      <div className="with-rail">
        <div className="stack loose">
          {preview && (
            <>
              <Blockers preview={preview} choosing={choosing} onChoose={onChoose} goTo={goTo} />
              <Uncounted services={preview.uncounted} />
              <Warnings warnings={preview.warnings} rules={rules} choosing={choosing} />
            </>
          )}
          {!isUnknown && (
            <>
              <TakesOver preview={preview} choosing={choosing} />
              <RulesTable rules={rules} choosing={choosing} isLoading={!preview} />
            </>
          )}
          {preview && <ContactsToTell preview={preview} name={user.name} choosing={choosing} />}
        </div>
        <Summary
          isUnknown={isUnknown}
          rules={rules}
          isCounting={isFetching}
          isKept={isKept}
          canGoOn={preview?.possible === true && !error && !isFetching}
          choosing={choosing}
          onNext={() => goTo('confirm')}
          onBack={() => goTo('what')}
          onPolicy={() => onChoose((before) => ({ ...before, overrides: {}, successors: {} }))}
        />
      </div>
      {rows && <RowsDialog userId={user.id} {...rows} of={choices.transition} onClose={() => setRows(undefined)} />}
      {asked && (
        <SuccessorDialog
          user={user}
          {...asked}
          chosen={choices.successors[asked.rule]}
          onChoose={(to) => {
            choosing.give(asked.rule, to);
            setAsked(undefined);
          }}
          onClose={() => setAsked(undefined)}
        />
      )}
    </>
  );
}
