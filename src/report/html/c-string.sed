# SPDX-License-Identifier: Apache-2.0
# A text file as one C string literal: a line a line.
s/[\"]/\\&/g
s/.*/"&\\n"/
