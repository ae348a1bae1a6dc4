# SPDX-License-Identifier: Apache-2.0
#
# What the sessions of this directory share; read by bash before each of them.
