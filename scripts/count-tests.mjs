#!/usr/bin/env node
import { readFileSync } from 'node:fs';

// Reads the JSON report of a test run and prints its counts on one line. A file that could not even be loaded counts as a failed test.
const report = readReport(process.argv[2]);
const unloaded = report.testResults.filter(({ status, assertionResults }) => status === 'failed' && assertionResults.length === 0).length;
const failed = report.numFailedTests + unloaded;
const skipped = report.numPendingTests + (report.numTodoTests ?? 0);

console.log(`${report.numPassedTests} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`);
process.exitCode = failed === 0 && report.success && report.numPassedTests > 0 ? 0 : 1;

function readReport(file) {
  const text = readFileSync(file, 'utf8');
  // The build or the test runner failed before there was anything to report.
  if (text === '') return { numPassedTests: 0, numFailedTests: 1, numPendingTests: 0, success: false, testResults: [] };
  return JSON.parse(text);
}
