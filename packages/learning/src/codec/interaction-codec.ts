import { WireWriter, type CalledTool, type CallStep } from '@signalbox/core';
import type { Effect } from '../effects/read-effect.ts';
import type {
  AfterFailures,
  CallEnding,
  CallInteraction,
  ChosenFallback,
  ComparisonInteraction,
  FailedCall,
  FeedbackInteraction,
  Interaction,
  SearchInteraction,
  ShownTool,
} from '../interaction.ts';
import { WireReader } from './wire-reader.ts';

const ENDINGS: readonly CallEnding[] = ['ok', 'toolError', 'refused', 'timeout', 'cancelled', 'unavailable'];
const EFFECTS: readonly Effect[] = ['unknown', 'read', 'write'];
const KINDS = { call: 1, search: 2, feedback: 3, comparison: 5 } as const;
const ORIGIN = 4;

type Mutable<Kind> = { -readonly [Member in keyof Kind]: Kind[Member] };

/** Writes a fact as the message `Interaction` of `learning.proto`. */
export function writeInteraction(writer: WireWriter, fact: Interaction): void {
  writer.message(KINDS[fact.kind], (inner) => {
    if (fact.kind === 'call') writeCall(inner, fact);
    else if (fact.kind === 'search') writeSearch(inner, fact);
    else if (fact.kind === 'feedback') writeFeedback(inner, fact);
    else writeComparison(inner, fact);
  });
  writer.message(ORIGIN, (inner) => {
    inner.uint(1, fact.sequence);
    inner.double(2, fact.atMs);
    inner.text(3, fact.tenant);
    inner.text(4, fact.principal);
    inner.text(5, fact.session);
    inner.text(6, fact.client);
    inner.uint(7, fact.policyVersion);
    for (const arm of fact.arms) inner.element(8, arm);
  });
}

/** A fact on its own, as `writeInteraction` writes it. */
export function toFactBytes(fact: Interaction): Uint8Array {
  const writer = new WireWriter(256);
  writeInteraction(writer, fact);
  return writer.written;
}

function writeCall(writer: WireWriter, fact: CallInteraction): void {
  writer.text(1, fact.upstream);
  writer.text(2, fact.tool);
  writer.text(3, fact.toolVersion);
  writer.text(4, fact.argsKey);
  for (const argument of fact.argsShape) writer.element(5, argument);
  writer.uint(6, fact.argsBytes);
  writer.uint(7, fact.resultBytes);
  writer.text(8, fact.resultKey);
  writer.uint(9, ENDINGS.indexOf(fact.ending));
  writer.text(10, fact.errorCode);
  writer.double(11, fact.durationMs);
  writer.double(12, fact.queueMs);
  writer.uint(13, fact.attempts);
  writer.bool(14, fact.cached);
  writer.uint(15, EFFECTS.indexOf(fact.effect));
  for (const { upstream, tool, errorCode, toolVersion } of fact.failed ?? [])
    writer.message(16, (inner) => {
      inner.text(1, upstream);
      inner.text(2, tool);
      inner.text(3, errorCode);
      inner.text(4, toolVersion);
    });
  for (const { upstream, tool, staticPlace, propensity } of fact.fallbacks ?? [])
    writer.message(17, (inner) => {
      inner.text(1, upstream);
      inner.text(2, tool);
      inner.uint(3, staticPlace);
      inner.double(4, propensity);
    });
  for (const { upstream, failures, sinceMs, hasFailed } of fact.afterFailures ?? [])
    writer.message(18, (inner) => {
      inner.text(1, upstream);
      inner.uint(2, failures);
      inner.double(3, sinceMs);
      inner.bool(4, hasFailed);
    });
  if (fact.step !== undefined) writeStep(writer, fact.step);
  for (const destination of fact.destinations ?? []) writer.element(20, destination);
}

function writeStep(writer: WireWriter, { after, sources }: CallStep): void {
  writer.message(19, (inner) => {
    for (const { upstream, tool } of after)
      inner.message(1, (called) => {
        called.text(1, upstream);
        called.text(2, tool);
      });
    if (sources !== undefined) inner.text(2, sources);
  });
}

function writeSearch(writer: WireWriter, fact: SearchInteraction): void {
  for (const features of fact.needs) writer.message(1, (inner) => inner.fixed32s(1, features));
  for (const { upstream, tool, staticRank, propensity, candidateRank } of fact.shown)
    writer.message(2, (inner) => {
      inner.text(1, upstream);
      inner.text(2, tool);
      inner.uint(3, staticRank);
      inner.double(4, propensity);
      if (candidateRank !== undefined) inner.uint(5, candidateRank);
    });
  if (fact.answerBytes !== undefined) writer.uint(3, fact.answerBytes);
}

function writeFeedback(writer: WireWriter, fact: FeedbackInteraction): void {
  writer.text(1, fact.upstream);
  writer.text(2, fact.tool);
  writer.double(3, fact.verdict);
  writer.fixed32s(4, fact.need);
  writer.text(5, fact.anomaly);
}

function writeComparison(writer: WireWriter, fact: ComparisonInteraction): void {
  writer.text(1, fact.upstream);
  writer.text(2, fact.tool);
  writer.text(3, fact.toolVersion);
  writer.text(4, fact.edit);
  writer.text(5, fact.detail);
  writer.bool(6, fact.isSame);
}

/** Reads what `writeInteraction` has written, also by a later version. @throws GatewayError `INTERNAL` for other bytes. */
export function readInteraction(bytes: Uint8Array): Interaction {
  const reader = new WireReader(bytes);
  const fact = createEmpty();
  for (let field = reader.next(); field !== 0; field = reader.next()) {
    if (field === KINDS.call) reader.message((inner) => readCall(inner, fact));
    else if (field === KINDS.search) reader.message((inner) => readSearch(inner, fact));
    else if (field === KINDS.feedback) reader.message((inner) => readFeedback(inner, fact));
    else if (field === KINDS.comparison) reader.message((inner) => readComparison(inner, fact));
    else if (field === ORIGIN) reader.message((inner) => readOrigin(inner, fact));
    else reader.skip();
  }
  return toInteraction(fact);
}

/** All members of all kinds, so that one object is filled whatever comes. */
interface Any extends Mutable<
  Omit<CallInteraction, 'kind' | 'arms' | 'argsShape' | 'failed' | 'fallbacks' | 'afterFailures' | 'step' | 'destinations'>
> {
  kind: Interaction['kind'];
  readonly arms: string[];
  readonly argsShape: string[];
  /** Hardly any call has these. */
  failed?: FailedCall[];
  fallbacks?: ChosenFallback[];
  afterFailures?: AfterFailures[];
  step?: CallStep;
  destinations?: string[];
  readonly needs: number[][];
  readonly shown: ShownTool[];
  answerBytes: number;
  verdict: number;
  need: number[];
  anomaly: string;
  edit: string;
  detail: string;
  isSame: boolean;
}

function createEmpty(): Any {
  return {
    kind: 'call',
    sequence: 0,
    atMs: 0,
    tenant: '',
    principal: '',
    session: '',
    client: '',
    policyVersion: 0,
    arms: [],
    upstream: '',
    tool: '',
    toolVersion: '',
    argsKey: '',
    argsShape: [],
    argsBytes: 0,
    resultBytes: 0,
    resultKey: '',
    ending: 'ok',
    errorCode: '',
    durationMs: 0,
    queueMs: 0,
    attempts: 0,
    cached: false,
    effect: 'unknown',
    needs: [],
    shown: [],
    answerBytes: 0,
    verdict: 0,
    need: [],
    anomaly: '',
    edit: '',
    detail: '',
    isSame: false,
  };
}

function toInteraction({ needs, shown, answerBytes, verdict, need, anomaly, edit, detail, isSame, ...call }: Any): Interaction {
  if (call.kind === 'call') return call as CallInteraction;
  const { kind, sequence, atMs, tenant, principal, session, client, policyVersion, arms, upstream, tool } = call;
  const origin = { sequence, atMs, tenant, principal, session, client, policyVersion, arms };
  if (kind === 'comparison') return { ...origin, kind, upstream, tool, toolVersion: call.toolVersion, edit, detail, isSame };
  const size = answerBytes === 0 ? {} : { answerBytes };
  return kind === 'search'
    ? { ...origin, kind, needs, shown, ...size }
    : { ...origin, kind: 'feedback', upstream, tool, verdict, need, anomaly };
}

function readOrigin(reader: WireReader, origin: Any): void {
  for (let field = reader.next(); field !== 0; field = reader.next()) {
    if (field === 1) origin.sequence = reader.uint();
    else if (field === 2) origin.atMs = reader.double();
    else if (field === 3) origin.tenant = reader.text();
    else if (field === 4) origin.principal = reader.text();
    else if (field === 5) origin.session = reader.text();
    else if (field === 6) origin.client = reader.text();
    else if (field === 7) origin.policyVersion = reader.uint();
    else if (field === 8) origin.arms.push(reader.text());
    else reader.skip();
  }
}

function readCall(reader: WireReader, call: Any): void {
  call.kind = 'call';
  for (let field = reader.next(); field !== 0; field = reader.next()) {
    if (field === 1) call.upstream = reader.text();
    else if (field === 2) call.tool = reader.text();
    else if (field === 3) call.toolVersion = reader.text();
    else if (field === 4) call.argsKey = reader.text();
    else if (field === 5) call.argsShape.push(reader.text());
    else if (field === 6) call.argsBytes = reader.uint();
    else if (field === 7) call.resultBytes = reader.uint();
    else if (field === 8) call.resultKey = reader.text();
    else if (field === 9) call.ending = ENDINGS[reader.uint()] ?? 'unavailable';
    else if (field === 10) call.errorCode = reader.text();
    else if (field === 11) call.durationMs = reader.double();
    else if (field === 12) call.queueMs = reader.double();
    else if (field === 13) call.attempts = reader.uint();
    else if (field === 14) call.cached = reader.bool();
    else if (field === 15) call.effect = EFFECTS[reader.uint()] ?? 'unknown';
    else if (field === 16) reader.message((inner) => (call.failed ??= []).push(readFailed(inner)));
    else if (field === 17) reader.message((inner) => (call.fallbacks ??= []).push(readFallback(inner)));
    else if (field === 18) reader.message((inner) => (call.afterFailures ??= []).push(readAfterFailures(inner)));
    else if (field === 19) reader.message((inner) => (call.step = readStep(inner)));
    else if (field === 20) (call.destinations ??= []).push(reader.text());
    else reader.skip();
  }
}

function readFailed(reader: WireReader): FailedCall {
  const failed: Mutable<FailedCall> = { upstream: '', tool: '', toolVersion: '', errorCode: '' };
  for (let field = reader.next(); field !== 0; field = reader.next()) {
    if (field === 1) failed.upstream = reader.text();
    else if (field === 2) failed.tool = reader.text();
    else if (field === 3) failed.errorCode = reader.text();
    else if (field === 4) failed.toolVersion = reader.text();
    else reader.skip();
  }
  return failed;
}

function readFallback(reader: WireReader): ChosenFallback {
  const fallback: Mutable<ChosenFallback> = { upstream: '', tool: '', staticPlace: 0, propensity: 0 };
  for (let field = reader.next(); field !== 0; field = reader.next()) {
    if (field === 1) fallback.upstream = reader.text();
    else if (field === 2) fallback.tool = reader.text();
    else if (field === 3) fallback.staticPlace = reader.uint();
    else if (field === 4) fallback.propensity = reader.double();
    else reader.skip();
  }
  return fallback;
}

function readAfterFailures(reader: WireReader): AfterFailures {
  const after: Mutable<AfterFailures> = { upstream: '', failures: 0, sinceMs: 0, hasFailed: false };
  for (let field = reader.next(); field !== 0; field = reader.next()) {
    if (field === 1) after.upstream = reader.text();
    else if (field === 2) after.failures = reader.uint();
    else if (field === 3) after.sinceMs = reader.double();
    else if (field === 4) after.hasFailed = reader.bool();
    else reader.skip();
  }
  return after;
}

function readStep(reader: WireReader): CallStep {
  const after: CalledTool[] = [];
  let sources: string | undefined;
  for (let field = reader.next(); field !== 0; field = reader.next()) {
    if (field === 1) reader.message((inner) => after.push(readCalled(inner)));
    else if (field === 2) sources = reader.text();
    else reader.skip();
  }
  return sources === undefined ? { after } : { after, sources };
}

function readCalled(reader: WireReader): CalledTool {
  const called: Mutable<CalledTool> = { upstream: '', tool: '' };
  for (let field = reader.next(); field !== 0; field = reader.next()) {
    if (field === 1) called.upstream = reader.text();
    else if (field === 2) called.tool = reader.text();
    else reader.skip();
  }
  return called;
}

function readSearch(reader: WireReader, search: Any): void {
  search.kind = 'search';
  for (let field = reader.next(); field !== 0; field = reader.next()) {
    if (field === 1) reader.message((inner) => search.needs.push(readNeedFeatures(inner)));
    else if (field === 2) reader.message((inner) => search.shown.push(readShown(inner)));
    else if (field === 3) search.answerBytes = reader.uint();
    else reader.skip();
  }
}

function readNeedFeatures(reader: WireReader): number[] {
  let features: number[] = [];
  for (let field = reader.next(); field !== 0; field = reader.next()) {
    if (field === 1) features = [...features, ...reader.fixed32s()];
    else reader.skip();
  }
  return features;
}

function readShown(reader: WireReader): ShownTool {
  const shown: Mutable<ShownTool> = { upstream: '', tool: '', staticRank: 0, propensity: 0 };
  for (let field = reader.next(); field !== 0; field = reader.next()) {
    if (field === 1) shown.upstream = reader.text();
    else if (field === 2) shown.tool = reader.text();
    else if (field === 3) shown.staticRank = reader.uint();
    else if (field === 4) shown.propensity = reader.double();
    else if (field === 5) shown.candidateRank = reader.uint();
    else reader.skip();
  }
  return shown;
}

function readFeedback(reader: WireReader, feedback: Any): void {
  feedback.kind = 'feedback';
  for (let field = reader.next(); field !== 0; field = reader.next()) {
    if (field === 1) feedback.upstream = reader.text();
    else if (field === 2) feedback.tool = reader.text();
    else if (field === 3) feedback.verdict = reader.double();
    else if (field === 4) feedback.need = reader.fixed32s();
    else if (field === 5) feedback.anomaly = reader.text();
    else reader.skip();
  }
}

function readComparison(reader: WireReader, comparison: Any): void {
  comparison.kind = 'comparison';
  for (let field = reader.next(); field !== 0; field = reader.next()) {
    if (field === 1) comparison.upstream = reader.text();
    else if (field === 2) comparison.tool = reader.text();
    else if (field === 3) comparison.toolVersion = reader.text();
    else if (field === 4) comparison.edit = reader.text();
    else if (field === 5) comparison.detail = reader.text();
    else if (field === 6) comparison.isSame = reader.bool();
    else reader.skip();
  }
}
